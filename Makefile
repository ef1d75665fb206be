# Every target sets itself up: a virtual environment of its own, pinned by constraints.txt.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check install --quiet --constraint constraints.txt
ITEMS ?=

.PHONY: demo test lint format bench docs clean

demo: $(VENV)/.demo  ## Inspect the shipped samples (and ITEMS="part.png …") offline; write out/demo.html
	$(BIN)/gadet demo $(ITEMS) --report out/demo.html

test: lint  ## Lint, type-check and test
	$(BIN)/python -m pytest

lint: $(VENV)/.test
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

format: $(VENV)/.test
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench: $(VENV)/.test  ## Run every benchmark; each prints a table and writes JSON under out/benchmarks
	$(BIN)/python -m tests.benchmarks

docs: $(VENV)/.test  ## Write the generated pages: JSON Schemas and the command line's help
	$(BIN)/python -m tests.generate_docs

$(BIN)/python:
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "gadet needs Python 3.11 or newer: make PYTHON=python3.11 $(MAKECMDGOALS)")'
	$(PYTHON) -m venv $(VENV)

$(VENV)/.demo: pyproject.toml constraints.txt | $(BIN)/python
	$(PIP) --editable '.[demo]'
	@touch $@

$(VENV)/.test: pyproject.toml constraints.txt | $(BIN)/python
	$(PIP) --editable '.[test]'
	@touch $@ $(VENV)/.demo

clean:
	rm -rf $(VENV) out .pytest_cache .mypy_cache .ruff_cache .hypothesis
