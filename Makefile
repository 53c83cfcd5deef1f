# Each target takes a fresh clone on a machine with python3, pip and make to its result. ARGS is passed on:
#   make verify ARGS="turing --cost long --json out.json"
VENV   ?= .venv
PYTHON ?= python3
BIN    := $(VENV)/bin
ARGS   ?=

FOLDERS  := claims kernels paper_figs probes theory toy_models
PACKAGES := $(FOLDERS:%=-p lemmata.%)

.PHONY: verify test test-slow figures notebooks lint install clean FORCE

verify: install
	@$(BIN)/lemmata verify $(ARGS)

test: install
	CI=true LEMMATA_FAST=1 $(BIN)/python -m pytest -n 2 --dist loadfile --jaxtyping-packages=lemmata,beartype.beartype tests $(ARGS)
	LEMMATA_FAST=1 $(BIN)/python -m pytest --nbmake notebooks

test-slow: install
	$(BIN)/python -m pytest -m slow tests $(ARGS)

figures: install
	@$(BIN)/lemmata figure --out figs $(ARGS)

notebooks: install
	$(BIN)/python -m pytest --nbmake --overwrite notebooks

lint: install
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy $(PACKAGES)

install: $(VENV)/.package

# Dependencies are installed when what they are declared in changes.
$(VENV)/.dependencies: pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install -q --disable-pip-version-check -c constraints.txt -e '.[dev]' --config-settings editable_mode=strict
	@touch $@

# A strict editable install links files one by one: it is renewed (in seconds) when a file appears or goes.
$(VENV)/.package: $(VENV)/.dependencies setup.py $(VENV)/.files
	$(BIN)/python -m pip install -q --disable-pip-version-check --no-deps -e . --config-settings editable_mode=strict
	@touch $@

$(VENV)/.files: FORCE | $(VENV)/.dependencies
	@find $(FOLDERS) -type f -not -name '*.pyc' -o -type l | sort | cmp -s - $@ || \
	 find $(FOLDERS) -type f -not -name '*.pyc' -o -type l | sort > $@

clean:
	rm -rf $(VENV) build dist figs site .pytest_cache .mypy_cache .ruff_cache
