"""Hash of what a piece of code does: the syntax tree of a module and of every module of ours that it imports.

Comments, docstrings and formatting do not change the hash; names, constants and operators do. Records of measurements
and stored runs carry it, so that a change of the code behind them shows.
"""

from __future__ import annotations

import ast
import hashlib
import importlib.util
import sys
from pathlib import Path

_DOCUMENTED = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)


def source_hash(module: str) -> str:
    """Hash of a module and, transitively, of the lemmata modules that it imports.

    Parameters
    ----------
    module : str
        Dotted name of a module or package below ``lemmata``, whose file is read as text and not imported; or of another
        module, of which only its own file and what it imports from lemmata count.

    Returns
    -------
    str
        32 hexadecimal digits.

    Raises
    ------
    ValueError
        If there is no such module, or it has no source file.
    """
    if _path(module) is None:
        raise ValueError(f"no module {module!r} with a source file")
    digest = hashlib.sha256()
    # A module that is not ours may be a script, whose name depends on how it was started.
    trees = {name if name.startswith("lemmata.") else "": tree for name, tree in _closure(module).items()}
    for name, tree in sorted(trees.items()):
        digest.update(f"{name}\n{tree}\n".encode())
    return digest.hexdigest()[:32]


def _closure(module: str) -> dict[str, str]:
    """Syntax trees, as text, of `module` and all that it imports from lemmata, by module name."""
    trees: dict[str, str] = {}
    waiting = [module]
    while waiting:
        name = waiting.pop()
        path = _path(name)
        if path is None or name in trees:
            continue
        tree = ast.parse(path.read_text(encoding="utf-8"))
        waiting.extend(_imports(tree))
        if name.startswith("lemmata."):
            waiting.append(name.rpartition(".")[0])  # importing a module runs its package first
        for node in ast.walk(tree):
            if isinstance(node, _DOCUMENTED) and ast.get_docstring(node, clean=False) is not None:
                node.body = node.body[1:]
        trees[name] = _dump(tree)
    return trees


def _dump(node: object) -> str:
    """A syntax tree as text. Empty fields are left out: which of them exist differs between Python versions."""
    if isinstance(node, list):
        return f"[{', '.join(map(_dump, node))}]"
    if not isinstance(node, ast.AST):
        return repr(node)
    fields = ((name, value) for name, value in ast.iter_fields(node) if value not in (None, []))
    return f"{type(node).__name__}({', '.join(f'{name}={_dump(value)}' for name, value in fields)})"


def _imports(tree: ast.Module) -> list[str]:
    """Names below lemmata that a module imports; ``from package import name`` may name a module or an object."""
    names: list[str] = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names += [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
    return [name for name in names if name.startswith("lemmata.")]


def _path(module: str) -> Path | None:
    """The file of a module, or None."""
    root, *rest = module.split(".")
    if root != "lemmata":
        return _foreign_path(module)
    if not rest:
        return None
    spec = importlib.util.find_spec(f"lemmata.{rest[0]}")
    if spec is None or not spec.submodule_search_locations:
        return None
    for folder in spec.submodule_search_locations:
        base = Path(folder, *rest[1:])
        for candidate in (base / "__init__.py", base.with_suffix(".py")):
            if candidate.is_file():
                return candidate
    return None


def _foreign_path(module: str) -> Path | None:
    """The file of a module that is not ours; of the running script too, which has no specification."""
    loaded = sys.modules.get(module)
    file = getattr(loaded, "__file__", None)
    if file is None and module:
        spec = importlib.util.find_spec(module)
        file = spec.origin if spec is not None else None
    return Path(file) if file is not None and file.endswith(".py") else None
