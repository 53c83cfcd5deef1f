"""Deliberately wrong kernels: a module's source with one piece replaced, imported under a name of its own.

A check is good enough when it rejects every mutant of the kernel that it checks.
"""

from __future__ import annotations

import importlib.util
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType


@dataclass(frozen=True)
class Mutant:
    """One wrong variant of a module.

    Attributes
    ----------
    name : str
    module : str
        Dotted name below ``lemmata``.
    old, new : str
        A piece of its source that occurs once, and what stands there instead.
    """

    name: str
    module: str
    old: str
    new: str

    def load(self, folder: Path) -> ModuleType:
        """Write the changed source below `folder` and import it. ValueError unless `old` occurs exactly once."""
        found = importlib.util.find_spec(self.module)
        if found is None or found.origin is None:
            raise ValueError(f"mutant {self.name!r}: no module {self.module!r}")
        source = Path(found.origin).read_text(encoding="utf-8")
        if source.count(self.old) != 1:
            raise ValueError(f"mutant {self.name!r}: {self.old!r} occurs {source.count(self.old)} times, not once")
        path = folder / f"{self.name}.py"
        path.write_text(source.replace(self.old, self.new), encoding="utf-8")
        spec = importlib.util.spec_from_file_location(f"mutant_{self.name}", path)
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        return module
