# Each target first makes a virtual environment in $(VENV) and installs the package.
PYTHON ?= python3
VENV ?= .venv
SEED ?= 1
RUN ?= runs/quickstart/seed$(SEED)
CURRICULUM ?= on
JOBS ?= 2

BIN := $(VENV)/bin
READY := $(VENV)/.ready

# The models here are so small that a second thread only spins; a second core is used by a second process.
export OMP_NUM_THREADS ?= 1
export OMP_WAIT_POLICY ?= passive
export TOKENIZERS_PARALLELISM ?= false

.PHONY: help install quickstart test test-slow mutants lint
.DEFAULT_GOAL := help

help:  ## Lists the targets.
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## /\t/' | expand -t 14

install: $(READY)  ## Makes the environment and installs the package with its development tools.

# Without a GPU, torch is pinned to the version whose CPU build pip prefers wherever its indexes offer one.
$(READY): pyproject.toml
	$(PYTHON) -m venv $(VENV)
	command -v nvidia-smi >/dev/null 2>&1 || $(BIN)/pip install --quiet torch==2.13.0
	$(BIN)/pip install --quiet --editable '.[dev]'
	touch $(READY)

quickstart: $(READY)  ## SFT, GRPO and evaluation of the tiny model; SEED=1 RUN=<folder> CURRICULUM=off.
	$(BIN)/python -m cogito_pl.quickstart --seed $(SEED) --run "$(RUN)" --curriculum $(CURRICULUM)

test: $(READY)  ## The tests without the slow ones, in JOBS=2 processes.
	$(BIN)/python -m pytest -n $(JOBS) --dist loadfile

test-slow: $(READY)  ## The tests that take longer than half a minute each.
	$(BIN)/python -m pytest -m slow

mutants: $(READY)  ## Puts known bugs into a copy, one at a time: is each found? ONLY="NAME ..." takes some.
	$(BIN)/python tests/mutants/run.py $(if $(ONLY),--only $(ONLY))

lint: $(READY)  ## Style and formatting.
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
