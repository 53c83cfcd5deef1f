"""Compile a kernel ahead of time, without a GPU, and read what it takes: registers, shared memory, spills.

Works in a process whose kernels were defined without Triton's interpreter.
"""

from __future__ import annotations

import re
import subprocess
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

TARGETS: dict[str, tuple[str, int | str, int]] = {
    "sm_80": ("cuda", 80, 32),
    "sm_90": ("cuda", 90, 32),
    "sm_100": ("cuda", 100, 32),
    "gfx942": ("hip", "gfx942", 64),
}
"""Backend, architecture and warp size of each target."""

SHARED_LIMIT = {"sm_80": 166_912, "sm_90": 232_448, "sm_100": 232_448, "gfx942": 65_536}
"""Bytes of shared memory that a program may have."""


@dataclass(frozen=True)
class Resources:
    """What one compiled kernel takes.

    Attributes
    ----------
    registers : int
        Of a thread.
    shared : int
        Bytes of shared memory, static and dynamic.
    spilled : int
        Bytes of stack (NVIDIA), or spilled vector registers and bytes of scratch (AMD).
    trap : bool
        Whether the code traps: what cannot run may "compile" to that.
    """

    registers: int
    shared: int
    spilled: int
    trap: bool


def compile_for(
    kernel: Any, signature: Mapping[str, str], constants: Mapping[str, int], target: str, **options: int
) -> Resources:
    """Compile for one of :data:`TARGETS`; ValueError for another, or under the interpreter."""
    import triton
    from triton.backends.compiler import GPUTarget
    from triton.compiler import ASTSource

    if target not in TARGETS:
        raise ValueError(f"target {target!r} is not one of {', '.join(TARGETS)}")
    if not isinstance(kernel, triton.JITFunction):
        raise ValueError(f"kernel {kernel!r} was defined under Triton's interpreter, which compiles nothing")
    source = ASTSource(fn=kernel, signature=dict(signature), constexprs=dict(constants))
    made = triton.compile(source, target=GPUTarget(*TARGETS[target]), options=options)
    if "cubin" in made.asm:
        usage = _cubin_usage(made.asm["cubin"])
        registers, spilled = _number(r"REG:(\d+)", usage), _number(r"STACK:(\d+)", usage)
        trap = re.search(r"^\s*trap;", made.asm["ptx"], re.MULTILINE) is not None
    else:
        text = made.asm["amdgcn"]
        registers = _number(r"\.vgpr_count:\s*(\d+)", text)
        spilled = _number(r"\.vgpr_spill_count:\s*(\d+)", text)
        spilled += _number(r"\.private_segment_fixed_size:\s*(\d+)", text)
        trap = re.search(r"^\s*s_trap", text, re.MULTILINE) is not None
    return Resources(registers, made.metadata.shared, spilled, trap)


def _cubin_usage(cubin: bytes) -> str:
    """The line of registers and stack that cuobjdump, shipped with Triton, prints of a cubin."""
    import triton

    tool = Path(triton.__file__).parent / "backends" / "nvidia" / "bin" / "cuobjdump"
    with tempfile.NamedTemporaryFile(suffix=".cubin") as file:
        file.write(cubin)
        file.flush()
        command = [str(tool), "--dump-resource-usage", file.name]
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def _number(pattern: str, text: str) -> int:
    found = re.search(pattern, text)
    if found is None:
        raise RuntimeError(f"the compiler's report has no {pattern!r}")
    return int(found.group(1))
