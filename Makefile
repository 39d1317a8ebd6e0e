# Every developer verb. `make` alone lists them.
PYTHON ?= python3
VENV ?= .venv
BIN = $(VENV)/bin
STAMP = $(VENV)/.installed

.DEFAULT_GOAL := help
.PHONY: help setup demo test lint format bench build clean

help:  ## list the verbs
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## /\t/' | expand -t 12

setup: $(STAMP)  ## make .venv with everything that development needs

$(STAMP): pyproject.toml
	@sh tools/make-venv.sh "$(PYTHON)" "$(VENV)"
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[dev]'
	@touch $@

$(VENV)/.demo: pyproject.toml
	@sh tools/make-venv.sh "$(PYTHON)" "$(VENV)"
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[demo]'
	@touch $@

demo: $(VENV)/.demo  ## start a sandbox, sync and run examples/dimuon.ipynb
	$(BIN)/nbrucio demo --output demo

test: $(STAMP)  ## run every test
	@sh tools/need-programs.sh xrootd chromium R g++
	$(BIN)/python -m pytest

lint: $(STAMP)  ## ruff and mypy --strict
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

format: $(STAMP)  ## let ruff rewrite what it can
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench: $(STAMP)  ## time nbrucio against rucio download, xrdcp, curl and cp, side by side; about 20 minutes
	@sh tools/need-programs.sh xrootd
	$(BIN)/python -m benchmarks $(BENCH)
	NBRUCIO_KILLS=200 $(BIN)/python -m pytest -q tests/crash -k again_and_again

bench-start: $(STAMP)  ## time the command line's start against rucio's
	$(BIN)/python benchmarks/start.py

help-text: $(STAMP)  ## rewrite the text of `nbrucio --help` after a change of its verbs
	$(BIN)/python -c 'from nbrucio_cli.app import help_text; print(help_text(), end="")' > cli/nbrucio_cli/help.txt

build: $(STAMP)  ## sdist and wheel in dist/
	$(BIN)/python -m pip install --quiet build
	$(BIN)/python -m build

clean:  ## remove the environment and everything built
	rm -rf $(VENV) dist build demo .pytest_cache .mypy_cache .ruff_cache .hypothesis
