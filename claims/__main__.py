"""``python -m lemmata.claims`` is the command ``lemmata``."""

from lemmata.claims.cli import main

if __name__ == "__main__":
    main()
