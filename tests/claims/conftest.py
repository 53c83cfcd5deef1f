"""Puts the made-up paper on the path, for tests and for the workers that they start."""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

import made_up

from lemmata.claims.framework import Paper


@pytest.fixture
def page() -> Paper:
    """A fresh page of made-up claims."""
    return made_up.make_paper()
