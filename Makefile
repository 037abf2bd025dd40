# Each target makes .venv and installs what it needs; with that done it starts at once.
PYTHON ?= python3
BIN := .venv/bin
INSTALLED := .venv/.installed

.PHONY: demo up check test faults bench format clean

demo: $(INSTALLED)  ## the whole journey on the seeds; ends by itself
	$(BIN)/tagwire demo --exit

up: $(INSTALLED)  ## Kafka and a worker on this machine, until Ctrl-C
	$(BIN)/tagwire up

check: $(INSTALLED)  ## format, lint, types, imports, exported schemas
	$(BIN)/ruff format --check
	$(BIN)/ruff check
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/tagwire schemas export --check

test: $(INSTALLED)  ## all tests, on an embedded Kafka
	$(BIN)/pytest $(ARGS)

faults: $(INSTALLED)  ## the long form of the fault tests, thrice: half an hour; writes docs/faults.md
	TAGWIRE_TEST_FAULTS=long TAGWIRE_TEST_FAULTS_TABLE=docs/faults.md $(BIN)/pytest tests/faults $(ARGS)

bench: $(INSTALLED)  ## every measurement beside the peers, half an hour; writes docs/benchmarks.md
	$(BIN)/python -m bench --write $(ARGS)

format: $(INSTALLED)
	$(BIN)/ruff format
	$(BIN)/ruff check --fix

clean:  ## remove what make and the tools have made; Kafka's jars and data stay in the home folder
	rm -rf .venv .bench .coverage .hypothesis .mypy_cache .pytest_cache .ruff_cache .import_linter_cache dist

$(INSTALLED): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
		|| { echo "tagwire needs Python 3.11 or newer: make PYTHON=python3.12 …"; exit 1; }
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --upgrade --constraint constraints.txt pip
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable '.[embedded,traces]' --group dev
	@touch $@
