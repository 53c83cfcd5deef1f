"""The hash of a module changes with what the code does and with nothing else."""

import pytest

from lemmata.kernels import source_hash as module
from lemmata.kernels.source_hash import source_hash

BEFORE = '"""Doc."""\nimport lemmata.fake.other\n\ndef f(x):\n    """Doc."""\n    return x + 1  # why\n'


@pytest.fixture
def files(tmp_path, monkeypatch):
    """A module ``lemmata.fake`` and what it imports, as files."""
    (tmp_path / "other.py").write_text("y = 1\n")
    main = tmp_path / "__init__.py"
    main.write_text(BEFORE)

    def path(name: str):
        return {"lemmata.fake": main, "lemmata.fake.other": tmp_path / "other.py"}.get(name)

    monkeypatch.setattr(module, "_path", path)
    return tmp_path


def test_comments_docstrings_and_formatting_do_not_count(files) -> None:
    before = source_hash("lemmata.fake")
    (files / "__init__.py").write_text(
        '"""Other."""\nimport lemmata.fake.other\ndef f( x ):\n    """Another."""\n    # x\n    return (x+1)\n'
    )
    assert source_hash("lemmata.fake") == before


@pytest.mark.parametrize(("old", "new"), [("+ 1", "+ 2"), ("+ 1", "- 1"), ("f(x)", "g(x)")])
def test_code_counts(files, old: str, new: str) -> None:
    before = source_hash("lemmata.fake")
    (files / "__init__.py").write_text(BEFORE.replace(old, new))
    assert source_hash("lemmata.fake") != before


def test_what_is_imported_counts(files) -> None:
    before = source_hash("lemmata.fake")
    (files / "other.py").write_text("y = 2\n")
    assert source_hash("lemmata.fake") != before


def test_imports_are_followed_through_the_real_tree() -> None:
    closure = module._closure("lemmata.claims.turing")
    assert {"lemmata.theory.turing.decode", "lemmata.probes.attention_offset", "lemmata.toy_models.turing"} <= set(
        closure
    )
    assert not any(name.startswith("lemmata.claims.cli") for name in closure)


def test_an_unknown_module_is_refused() -> None:
    with pytest.raises(ValueError, match="no module 'lemmata.nothing'"):
        source_hash("lemmata.nothing")
