# Verbs of this project. All share one virtual environment, .venv by default: `make test VENV=/tmp/venv` chooses another.
# After `make setup` nothing needs a network; a second run costs nothing.

export PIP_DISABLE_PIP_VERSION_CHECK := 1

VENV ?= .venv
PYTHON ?= python3
BIN := $(VENV)/bin
READY := $(VENV)/.understudy-ready

.DEFAULT_GOAL := help
.PHONY: help setup demo test check docs

help: ## what the verbs are
	@sed -n 's/^\([a-z]*\):.*## /  make \1	/p' Makefile | expand -t 16

setup: $(READY) ## make the virtual environment and prepare the hand tracker (once)

demo: $(READY) ## a learned policy under six videos it never saw; writes demo/index.html
	$(BIN)/understudy demo --out demo

test: $(READY) ## all tests
	$(BIN)/python -m pytest -n 2

check: $(READY) ## style and types
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

docs: $(READY) ## docs/commands.md from the commands themselves
	$(BIN)/python -m understudy.commands.reference docs/commands.md

# The stamp is made when the environment is installed and the doctor finds nothing missing.
$(READY): pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo 'error: Python 3.11 or newer is needed; name one with PYTHON=python3.12, or: apt-get install -y python3.11 python3.11-venv' >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' || \
	  { echo 'error: Python cannot make virtual environments here: apt-get install -y python3-venv' >&2; exit 1; }
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet -e '.[hands,learn,formats,dev]'
	$(BIN)/understudy doctor --fix
	@touch $(READY)
