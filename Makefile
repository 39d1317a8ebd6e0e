# Every developer verb. `make` alone lists them.
PYTHON ?= python3
VENV ?= .venv
BIN = $(VENV)/bin
STAMP = $(VENV)/.installed
# PEP 517 also for packages without pyproject.toml: pip warns of the old way, which is nothing that you can mend.
PIP_INSTALL = $(BIN)/python -m pip install --quiet --disable-pip-version-check --use-pep517

# Compiled once, also where the environment asks Python not to keep it: the tests alone start it some thousand times.
unexport PYTHONDONTWRITEBYTECODE

LABEXTENSION = nbrucio/labextension
NODE_MODULES = frontend/node_modules/.package-lock.json
# With node from the environment, where the machine has none.
NPM = PATH="$(CURDIR)/$(BIN):$$PATH" npm --prefix frontend

.DEFAULT_GOAL := help
.PHONY: help setup demo frontend types check test world lint format docs bench bench-wan help-text snapshots build clean trust coverage

help:  ## list the verbs
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## /\t/' | expand -t 12

setup: $(STAMP)  ## make .venv with everything that development needs

$(STAMP): pyproject.toml
	@sh tools/make-venv.sh "$(PYTHON)" "$(VENV)"
	@echo "Installing into $(VENV), which takes some minutes ..."
	$(PIP_INSTALL) --editable '.[dev]'
	@touch $@

$(VENV)/.demo: pyproject.toml
	@sh tools/make-venv.sh "$(PYTHON)" "$(VENV)"
	@echo "Installing into $(VENV), which takes a minute or two ..."
	$(PIP_INSTALL) --editable '.[demo]'
	@touch $@

demo: $(VENV)/.demo  ## start a sandbox, sync and run examples/dimuon.ipynb
	$(BIN)/nbrucio demo --output demo

frontend: $(LABEXTENSION)/package.json  ## build the JupyterLab extension, and link it into .venv
	@mkdir -p $(VENV)/share/jupyter/labextensions
	@ln -sfn "$(CURDIR)/$(LABEXTENSION)" $(VENV)/share/jupyter/labextensions/nbrucio

$(NODE_MODULES): $(STAMP) frontend/package-lock.json
	@sh tools/need-node.sh $(VENV)
	$(NPM) ci --no-audit --no-fund --ignore-scripts
	@touch $@

$(LABEXTENSION)/package.json: $(NODE_MODULES) frontend/package.json frontend/tsconfig.json $(shell find frontend/src frontend/style frontend/schema -type f)
	$(NPM) run build
	@touch $@

types: $(NODE_MODULES)  ## make the panel's types of what it exchanges with the server from schemas/
	PATH="$(CURDIR)/$(BIN):$$PATH" $(BIN)/python tools/panel_types.py

# Each process has a sandbox of its own; a file's tests stay in one process, where they share servers. In the order of
# their names, since by their number the slowest files, which have few tests, come last and alone.
PYTEST = $(BIN)/python -m pytest --maxprocesses 4 --dist loadfile --no-loadscope-reorder

check: lint  ## lint, types, and the tests that need no server: under a minute when run again
	$(PYTEST) --numprocesses logical -q -m 'not real and not world' --deselect tests/test_house_rules.py::test_the_linters_have_nothing_to_say

test: $(STAMP) frontend  ## run every test; under 15 minutes on two cores
	@sh tools/need-programs.sh xrootd chromium R g++ setfacl
	$(PYTEST) --numprocesses logical

# For file systems that tests mount.
DISKS = fusermount3 mksquashfs squashfuse mkfs.exfat mount.exfat-fuse sshfs socat /usr/lib/openssh/sftp-server

world: $(STAMP)  ## the wide matrices: lowest versions, other programs, odd file systems, SWAN's sessions, fronts, clusters, OIDC, Kerberos, VOMS and SSH logins; at most an hour
	@sh tools/need-programs.sh chromium R g++ java ip munged slurmctld krb5kdc krb5-config ssh-keygen strace $(DISKS) nginx haproxy voms-proxy-init
	@sh tools/need-node.sh $(VENV)
	$(BIN)/python -m pytest -m world

# Of all suites together; each gets the same part of it.
TRUST_MINUTES ?= 120

trust: $(STAMP)  ## run the suites against crashes, faults and lies for TRUST_MINUTES, and write docs/reliability.md
	@sh tools/need-programs.sh xrootd strace $(DISKS)
	$(BIN)/python tools/trust.py --minutes $(TRUST_MINUTES)

coverage: $(STAMP)  ## measure branch coverage, and write it into docs/reliability.md; about 10 minutes
	@sh tools/need-programs.sh xrootd setfacl
	$(BIN)/python tools/trust.py --coverage

lint: $(STAMP) frontend/lib/.linted  ## ruff, mypy --strict, the floors, prettier, tsc and eslint
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache

# Alone it takes longer than all the others together, and few changes touch the panel.
frontend/lib/.linted: $(NODE_MODULES) $(shell find frontend -type f -not -path '*/node_modules/*' -not -path '*/lib/*')
	$(NPM) run lint
	@mkdir -p $(@D) && touch $@

format: $(STAMP) $(NODE_MODULES)  ## let ruff and prettier rewrite what they can
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .
	$(NPM) run format

docs: $(STAMP)  ## build the site of the documentation in build/docs; warnings are errors
	$(BIN)/python tools/docs_site.py

bench: $(STAMP)  ## time nbrucio against rucio download, xrdcp, curl and cp, side by side; about 20 minutes
	@sh tools/need-programs.sh xrootd
	$(BIN)/python -m benchmarks $(BENCH)
	NBRUCIO_KILLS=200 $(BIN)/python -m pytest -q tests/crash -k again_and_again

bench-wan: $(STAMP)  ## the same over lines with latency and capped connections, with aria2c and rclone; hours, or one cell
	@sh tools/need-programs.sh xrootd aria2c rclone
	$(BIN)/python -m benchmarks.wan $(BENCH)

bench-scale: $(STAMP)  ## plan, lock and status of 100,000 files against curl's bare streams; about 15 minutes
	$(BIN)/python -m benchmarks.scale $(BENCH)

bench-streaming: $(STAMP)  ## count the bytes that reading a few branches over https moves; a minute
	$(BIN)/python -m benchmarks.streaming

bench-start: $(STAMP)  ## time the command line against its budget
	$(BIN)/python benchmarks/start.py

help-text: $(STAMP)  ## rewrite the text of `nbrucio --help` after a change of its verbs
	$(BIN)/python -c 'from nbrucio_cli.app import help_text; print(help_text(), end="")' > cli/nbrucio_cli/help.txt

snapshots: help-text  ## write tests/snapshots anew; read the difference before you commit it
	$(BIN)/python -m pytest -q --update-snapshots -k snapshots tests/cli tests/operations/doctor \
		tests/catalogue/test_login_faults.py tests/catalogue/test_tls_faults.py tests/test_error_texts.py

build: $(STAMP) frontend  ## sdist and wheel in dist/
	$(BIN)/python -m pip install --quiet build
	$(BIN)/python -m build

clean:  ## remove the environment and everything built
	rm -rf $(VENV) dist build demo frontend/node_modules frontend/lib $(LABEXTENSION) .pytest_cache .mypy_cache .ruff_cache .hypothesis
