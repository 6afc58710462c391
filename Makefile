# Every command makes what it needs; nothing but Python 3.11 (or later) and make is prepared.
PYTHON ?= $(shell command -v python3.11 || command -v python3)
VENV ?= .venv
BIN := $(VENV)/bin
DATA ?=
# Inputs of each parser that is fuzzed.
RUNS ?= 1000000
# Tests at a time; 0 runs them in one process, for a debugger.
JOBS ?= 2

.PHONY: help demo test check bench tills prove soak fuzz mutate format clean

help:
	@echo "make demo    a chain's receipts in, balances, tiers and a verified history out"
	@echo "make test    every test, on SQLite and on a real PostgreSQL"
	@echo "make check   lint, types, contracts"
	@echo "make bench   ratios, measured side by side"
	@echo "make tills   20,000 tills over HTTP, for a quarter of an hour"
	@echo "make format  ruff, writing"
	@echo "make clean   delete what the others made"
	@echo "make mutate  small faults in the policies, which the pure tests must find"
	@echo "make soak    10,000 numbered runs of the model for each oracle and store: takes hours, goes on where it stopped"
	@echo "make fuzz    bytes that look for new paths through every parser; RUNS=1000000 each, from the kept corpus on"
	@echo "make prove   kills, tampering, both stores on a whole chain: takes long"

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "Python 3.11 or later is needed; set PYTHON=/path/to/python3.11"; exit 1; }
	@$(PYTHON) -m venv $(VENV)

# One stamp a set of extras: installed again only when pyproject.toml changes.
$(VENV)/.%: pyproject.toml $(BIN)/python
	@echo "installing: $*"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[$*]'
	@touch $@

demo: $(VENV)/.cli,personal $(if $(DATA),$(VENV)/.data)
	@$(BIN)/loyalty demo $(if $(DATA),--data '$(DATA)')

test: $(VENV)/.test
	@$(BIN)/python -m pytest -n $(JOBS) --dist worksteal $(ARGS)

check: $(VENV)/.check
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports --no-cache

bench: $(VENV)/.test
	@$(BIN)/python -m bench $(if $(DATA),--data '$(DATA)') $(ARGS)

tills: $(VENV)/.test
	@$(BIN)/python -m bench.tills $(ARGS)

prove: $(VENV)/.test
	@$(BIN)/python -m bench.prove $(if $(DATA),--data '$(DATA)') $(ARGS)

mutate: $(VENV)/.mutate
	@$(BIN)/python -m bench.mutate $(ARGS)

soak: $(VENV)/.test
	@for oracle in core full; do for store in sqlite postgres; do \
	  $(BIN)/python -m tests.soak --runs 10000 --steps 100 --oracle $$oracle --store $$store $(ARGS) \
	  || exit 1; done; done

fuzz: $(VENV)/.fuzz
	@for target in ndjson csv gs1 poslog dsfinvk odoo square shopify erpnext signatures; do \
	  $(BIN)/python -m tests.fuzz $$target --runs $(RUNS) $(ARGS) || exit 1; done

format: $(VENV)/.check
	@$(BIN)/ruff check --fix .
	@$(BIN)/ruff format .

clean:
	rm -rf $(VENV) .demo .pytest_cache .mypy_cache .ruff_cache .hypothesis
