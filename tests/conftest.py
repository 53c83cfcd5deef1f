"""Settings of every test: deterministic Hypothesis, one torch thread, a cache of its own, Triton's interpreter."""

import os
import tempfile
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ["LEMMATA_CACHE"] = tempfile.mkdtemp(prefix="lemmata-test-")
if not any(Path(node).exists() for node in ("/dev/nvidiactl", "/dev/kfd")):
    os.environ["TRITON_INTERPRET"] = "1"

import pytest
from hypothesis import HealthCheck, settings

settings.register_profile(
    "lemmata", derandomize=True, deadline=None, database=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("lemmata")

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="session")
def root() -> Path:
    """The repository."""
    return ROOT
