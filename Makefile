# Everything starts here: `make run` for the console, `make test` for the suite. Needs Python 3.11 or newer, and make.

VENV := .venv
BIN := $(VENV)/bin
ARGS ?=
PYTHON ?= $(shell for python in python3 python3.14 python3.13 python3.12 python3.11; do \
	$$python -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$python && break; done)
PIP := $(BIN)/python -m pip --disable-pip-version-check
# Hashed pins, the build tool among them: the project itself then needs nothing further from the network.
INSTALL_PROJECT := $(PIP) install --quiet --no-deps --no-build-isolation --config-settings editable_mode=compat -e .

.DEFAULT_GOAL := help
.PHONY: help run install test test-all check format bench bench-console bench-translation pictures lock clean

help: ## show this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{ printf "  make %-14s %s\n", $$1, $$2 }'

run: $(VENV)/.installed ## open the console with its gateway; ARGS="--port 9000" passes options on
	@$(BIN)/console $(ARGS)

install: $(VENV)/.installed ## set up what `make run` needs, without running it

test: $(VENV)/.installed-dev ## the tests; ARGS="-k revoke" narrows them
	@$(BIN)/python -m pytest -n auto --maxprocesses 4 --dist worksteal $(ARGS)

test-all: $(VENV)/.installed-dev ## the tests with the slow ones
	@$(BIN)/python -m pytest -n auto --maxprocesses 4 --dist worksteal -m "slow or not slow" --hypothesis-profile laws $(ARGS)

check: $(VENV)/.installed-dev ## lint, format, types, layers
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

format: $(VENV)/.installed-dev ## put the code into shape
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench: $(VENV)/.installed ## this gateway beside nginx and a plain httpx relay, as ratios; ARGS="--rounds 5"
	@$(BIN)/python -m benchmarks.compare $(ARGS)

bench-console: $(VENV)/.installed ## what an open console costs the streams, and how soon it shows
	@$(BIN)/python -m benchmarks.first_screen
	@$(BIN)/python -m benchmarks.live_view $(ARGS)

bench-translation: $(VENV)/.installed ## what translating costs, for each pair of protocols
	@$(BIN)/python -m benchmarks.translation

pictures: $(VENV)/.installed ## draw the pictures in docs/pictures again
	@$(BIN)/python docs/pictures/draw.py

lock: ## choose the pinned versions again
	$(PYTHON) -m venv $(VENV)-lock
	$(VENV)-lock/bin/python -m pip install --quiet pip-tools==7.6.2
	$(LOCK) --output-file requirements.txt pyproject.toml
	$(LOCK) --extra aiohttp --extra dev --constraint requirements.txt --output-file requirements-dev.txt pyproject.toml

LOCK := CUSTOM_COMPILE_COMMAND="make lock" $(VENV)-lock/bin/pip-compile --quiet --generate-hashes --no-strip-extras \
	--allow-unsafe --build-deps-for editable --no-emit-index-url --no-emit-find-links --no-emit-trusted-host

clean: ## remove what was set up; data directories are left alone
	rm -rf $(VENV) $(VENV)-lock build *.egg-info .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis

$(VENV)/.installed: requirements.txt pyproject.toml | $(BIN)/pip
	@echo "Installing what Gatehouse needs into $(VENV) (once, about a minute) ..."
	@$(PIP) install --require-hashes -r requirements.txt
	@$(INSTALL_PROJECT)
	@touch $@

$(VENV)/.installed-dev: requirements-dev.txt pyproject.toml | $(BIN)/pip
	@echo "Installing what the tests need into $(VENV) (once, about two minutes) ..."
	@$(PIP) install --require-hashes -r requirements-dev.txt
	@$(INSTALL_PROJECT)
	@touch $@ $(VENV)/.installed

# Where the distribution keeps ensurepip in a package of its own, the pip at hand fills the environment instead.
$(BIN)/pip:
	@test -n "$(PYTHON)" || { echo "Gatehouse needs Python 3.11 or newer, and found none: make run PYTHON=/path/to/python"; exit 1; }
	@if $(PYTHON) -c 'import ensurepip, venv' 2>/dev/null; then $(PYTHON) -m venv $(VENV); \
	elif $(PYTHON) -c 'import pip, venv' 2>/dev/null; then \
		$(PYTHON) -m venv --without-pip $(VENV) && $(PYTHON) -m pip --python $(BIN)/python install --quiet pip; \
	else echo "This Python can make no virtual environment. On Debian and Ubuntu: apt install python3-venv"; exit 1; fi
