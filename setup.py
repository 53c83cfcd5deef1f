"""Map each top-level folder to the subpackage ``lemmata.<folder>``; everything else stands in pyproject.toml."""

from setuptools import find_packages, setup

FOLDERS = ("claims", "kernels", "paper_figs", "probes", "theory", "toy_models")

setup(
    packages=[
        f"lemmata.{package}"
        for folder in FOLDERS
        for package in [folder, *(f"{folder}.{child}" for child in find_packages(folder))]
    ],
    package_dir={f"lemmata.{folder}": folder for folder in FOLDERS},
    package_data={"": ["py.typed", "*.bib", "*.tm", "records/*.json", "templates/*"]},
)
