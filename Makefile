# Everything a newcomer needs: make run, make test, make test-models, make check, make bench, make bench-models.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
CLIENTS := .frameworks .litellm
HOST ?= 127.0.0.1
PORT ?= 8000

MODEL ?=

.PHONY: run test test-models check format bench bench-models clean

$(VENV)/.installed: pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --constraint constraints.txt --editable '.[ears,espeak,models,postgres,zeroconf,dev]'
	touch $@

# Clients whose packages do not fit beside the server's, each in an environment of its own.
$(CLIENTS:%=%/.installed): .%/.installed: tests/clients/%.txt
	$(PYTHON) -m venv $(@D)
	$(@D)/bin/python -m pip install --quiet --no-deps --requirement $<
	touch $@

run: $(VENV)/.installed
	$(BIN)/syrinx serve --host $(HOST) --port $(PORT)

test: $(VENV)/.installed $(CLIENTS:%=%/.installed)
	$(BIN)/python -m pytest $(ARGS)

# The models with an environment of their own, in it: all, or MODEL=pocket. Environments are kept in .models/.
test-models: $(VENV)/.installed
	$(BIN)/python -m tests.neural.run $(MODEL)

check: $(VENV)/.installed
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/lint-imports
	$(BIN)/pyright

format: $(VENV)/.installed
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

bench: $(VENV)/.installed
	$(BIN)/python -m bench $(ARGS)

bench-models: $(VENV)/.installed
	$(BIN)/python -m bench.models $(MODEL) $(ARGS)

clean:
	rm -rf $(VENV) $(CLIENTS) .models .pytest_cache .ruff_cache .hypothesis
