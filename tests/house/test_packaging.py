"""The wheel is the tree; nothing of ours is importable bare; imports run one way."""

import ast
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

FOLDERS = ("claims", "kernels", "paper_figs", "probes", "theory", "toy_models")

# What each folder may import of ours.
ALLOWED = {
    "kernels": {"kernels"},
    "theory": {"theory"},
    "toy_models": {"toy_models", "theory", "kernels"},
    "probes": {"probes", "toy_models", "theory", "kernels"},
    "paper_figs": {"paper_figs", "probes", "toy_models", "theory", "kernels"},
    "claims": set(FOLDERS),
}


def tracked(root: Path) -> list[str]:
    """Tracked files of the package folders, and those that are new and not ignored."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", *FOLDERS]
    names = subprocess.run(command, cwd=root, check=True, capture_output=True, text=True).stdout.split()
    return [name for name in names if (root / name).exists()]


def test_the_wheel_has_every_file_of_the_tree_and_no_other(root: Path, tmp_path: Path) -> None:
    for name in [*tracked(root), "setup.py", "pyproject.toml", "README.md", "LICENSE", "references.bib"]:
        target = tmp_path / "tree" / name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes((root / name).read_bytes())
    command = [sys.executable, "-m", "build", "--wheel", "--outdir", str(tmp_path / "dist"), str(tmp_path / "tree")]
    subprocess.run(command, check=True, capture_output=True)
    wheel = zipfile.ZipFile(next((tmp_path / "dist").glob("*.whl")))
    packed = {name for name in wheel.namelist() if ".dist-info/" not in name}
    assert packed == {f"lemmata/{name}" for name in tracked(root)}
    for name in tracked(root):
        assert wheel.read(f"lemmata/{name}") == (root / name).read_bytes()


def test_nothing_is_importable_bare_and_lemmata_is(tmp_path: Path) -> None:
    code = "\n".join(
        [
            "import importlib.util as u",
            f"assert all(u.find_spec('lemmata.' + f) for f in {FOLDERS})",
            f"bare = [f for f in {FOLDERS} if (s := u.find_spec(f)) and 'lemmata' in str(s.origin)]",
            "assert not bare, bare",
        ]
    )
    subprocess.run([sys.executable, "-c", code], cwd=tmp_path, check=True)


def imports(path: Path) -> set[str]:
    """Folders of ours that a file imports."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert not node.level, f"{path}: relative import"
            module = node.module or ""
            names = [f"lemmata.{alias.name}" for alias in node.names] if module == "lemmata" else [module]
        else:
            continue
        found |= {name.split(".")[1] for name in names if name.startswith("lemmata.")}
    return found


@pytest.mark.parametrize("folder", FOLDERS)
def test_imports_run_one_way(root: Path, folder: str) -> None:
    for path in (root / folder).rglob("*.py"):
        assert imports(path) <= ALLOWED[folder], path


def test_jit_functions_are_kept_from_the_type_hook(root: Path) -> None:
    """`@triton.jit` and numba functions carry `no_type_check` as their innermost decorator."""
    for path in (root / folder for folder in FOLDERS):
        for file in path.rglob("*.py"):
            for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
                if isinstance(node, ast.FunctionDef):
                    names = [ast.unparse(decorator) for decorator in node.decorator_list]
                    if any("jit" in name.split("(")[0] for name in names):
                        assert names[-1].endswith("no_type_check"), f"{file}: {node.name}"


def test_theory_and_kernels_import_without_transformer_lens() -> None:
    code = (
        "import sys; sys.modules['transformer_lens'] = None; import pkgutil, importlib\n"
        "import lemmata.theory, lemmata.kernels\n"
        "for p in (lemmata.theory, lemmata.kernels):\n"
        "    for m in pkgutil.walk_packages(p.__path__, p.__name__ + '.'):\n"
        "        importlib.import_module(m.name)\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.mark.parametrize("name", ["torch", "sympy", "transformer_lens", "matplotlib", "numpy"])
def test_registering_every_claim_and_figure_imports_nothing_heavy(name: str) -> None:
    code = (
        "import sys\nfrom lemmata.claims.framework import registry\nfrom lemmata.paper_figs.framework import figures\n"
        f"registry.papers(); figures()\nassert {name!r} not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_no_file_is_larger_than_a_megabyte(root: Path) -> None:
    names = subprocess.run(["git", "ls-files"], cwd=root, check=True, capture_output=True, text=True).stdout.split()
    assert not [name for name in names if (root / name).exists() and (root / name).stat().st_size > 2**20]
