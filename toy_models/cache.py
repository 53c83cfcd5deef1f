"""Where lemmata keeps what may be lost: ``LEMMATA_CACHE``, or the user's cache folder."""

from __future__ import annotations

import os
from pathlib import Path


def cache_folder() -> Path:
    """The cache folder; it need not exist."""
    from platformdirs import user_cache_path

    return Path(os.environ.get("LEMMATA_CACHE") or user_cache_path("lemmata"))
