# Commands for people and for CI. Nothing but Python (3.11 or newer) and make is needed.
#
#   make demo    make .venv, install dlmachine, run the demonstration
#   make test    everything that CI runs; about 27 minutes on 2 cores
#   make simulate RUNS=100000    downloads in which anything goes wrong, as many as you like
#   make generate    write the generated tables and diagrams of the documentation anew
#   make mutants    mistakes planted into the core, each of which a test must notice
#   make bench    compare with curl, aria2c, pooch and others (nginx is needed)
#   make cache-suite    the public test suite for HTTP caches (Node.js is needed)
#   make recipes    the recipes of docs/how-to/workflows.md, with Snakemake
#   make calls    how many function calls a small file takes, by group of work
#   make PYTHON=python3.12 VENV=.venv-3.12 test    the same on another Python
#   make PYTHON=python3.13 VENV=.venv-3.13 parts    the tests of core, adapters and face alone

PYTHON ?= python3
VENV ?= .venv

BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check
WHEEL_VENV := $(VENV)-wheel
WHEEL_BIN := $(WHEEL_VENV)/bin
WHEEL_PIP := $(WHEEL_BIN)/python -m pip --disable-pip-version-check
WHEEL_RUN := build/wheel-run

CODE := dlmachine adapters tests property_tests docs
FACE_TESTS := tests/manager tests/batch tests/notebooks tests/reports tests/asynchronous tests/cli
SOURCES := $(shell find dlmachine adapters -name '*.py' -o -name py.typed -o -name 'page.*') pyproject.toml README.md LICENSE

# The stamps say that an environment is ready; each is touched last, so half-made ones are redone.
VENV_MADE := $(VENV)/.made
DEMO_INSTALLED := $(VENV)/.installed
DEV_INSTALLED := $(VENV)/.installed-dev
TESTS_INSTALLED := $(VENV)/.installed-tests
WHEEL_INSTALLED := $(WHEEL_VENV)/.installed

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.NOTPARALLEL:
.PHONY: help demo env test tell-duration lint fmt unit parts posix-free stores recipes docs generate simulate mutants bench cache-suite calls wheel wheel-test clean

help:
	@sed -n '/^#/!q;s/^# \{0,1\}//p' Makefile

# --- environments -----------------------------------------------------------

define check_python
@command -v $(PYTHON) >/dev/null 2>&1 || { \
	echo "error: '$(PYTHON)' was not found. Install Python 3.11 or newer, or name one: make PYTHON=/path/to/python3"; \
	exit 1; }
@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	echo "error: dlmachine needs Python 3.11 or newer, but '$(PYTHON)' is $$($(PYTHON) --version 2>&1)."; \
	echo "       Name a newer one, for example: make PYTHON=python3.12"; \
	exit 1; }
@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { \
	echo "error: '$(PYTHON)' cannot make virtual environments. On Debian and Ubuntu: apt-get install python3-venv"; \
	exit 1; }
endef

define install_failed
{ echo "error: the installation into $(1) failed; the reason stands above."; \
  echo "       If it names pycurl, no ready-made pycurl exists for this Python and system: install"; \
  echo "       libcurl's development files and a C compiler, or use another Python (PYTHON=...)."; \
  exit 1; }
endef

# The groups of pyproject.toml (PEP 735) need pip 25.1, which is newer than many a Python brings along.
$(VENV_MADE):
	$(check_python)
	@echo 'Making $(VENV) ...'
	@$(PYTHON) -m venv $(VENV)
	@$(PIP) install -qq --upgrade 'pip>=25.1'
	@touch $@

$(DEMO_INSTALLED): pyproject.toml | $(VENV_MADE)
	@echo 'Installing dlmachine into $(VENV) ...'
	@$(PIP) install -qq --editable '.[all]' || $(call install_failed,$(VENV))
	@touch $@

$(DEV_INSTALLED): pyproject.toml | $(VENV_MADE)
	@echo 'Installing dlmachine and the development tools into $(VENV) ...'
	@$(PIP) install -qq --editable '.[all]' --group dev || $(call install_failed,$(VENV))
	@touch $(DEMO_INSTALLED) $@

$(TESTS_INSTALLED): pyproject.toml | $(VENV_MADE)
	@echo 'Installing dlmachine and what its tests need into $(VENV) ...'
	@$(PIP) install -qq --editable '.[all]' --group tests || $(call install_failed,$(VENV))
	@touch $@

env: $(DEV_INSTALLED)

# --- what people run --------------------------------------------------------

demo: $(DEMO_INSTALLED)
	$(BIN)/dlmachine demo

# The tests build the site, too.
test: tell-duration lint unit stores wheel-test

tell-duration:
	@echo 'This runs everything that CI runs. It takes about 27 minutes on 2 cores.'

lint: $(DEV_INSTALLED)
	$(BIN)/ruff check $(CODE)
	$(BIN)/ruff format --check $(CODE)
	$(BIN)/mypy
	$(BIN)/lint-imports

fmt: $(DEV_INSTALLED)
	$(BIN)/ruff check --fix $(CODE)
	$(BIN)/ruff format $(CODE)

# The tests of the core, which must cover it in full; then all others but those of the face and pages, which
# `wheel-test` runs. Measuring coverage takes time, and some of the others measure time.
unit: $(DEV_INSTALLED)
	$(BIN)/python -m pytest --cov --cov-report=term-missing:skip-covered tests/core dlmachine/core
	$(BIN)/python -m pytest --ignore=tests/core --ignore=dlmachine/core $(addprefix --ignore=,$(FACE_TESTS)) --ignore=tests/test_pages.py
	$(MAKE) --no-print-directory posix-free

# Files, parts, locks, connections and the manager with only what Windows has: no fcntl, no poll, ...
posix-free: $(DEV_INSTALLED)
	$(BIN)/python -m pytest -q -p tests.posix_free -p no:cacheprovider tests/posix_free \
		tests/adapters/files tests/adapters/parts tests/adapters/contracts/test_files.py \
		tests/adapters/contracts/test_locks.py tests/adapters/rate_limits tests/adapters/runtime/test_polling.py \
		tests/adapters/test_world.py tests/adapters/transports/test_addresses.py tests/manager/test_manager.py

# Objects from an S3 server on this machine.
stores: $(DEV_INSTALLED)
	@$(PIP) install -qq --group stores
	$(BIN)/python -m pytest -q -p no:cacheprovider tests/integrations/test_s3.py

# The recipes for workflows, with Snakemake, in an environment of their own.
recipes: pyproject.toml
	$(check_python)
	@test -x $(VENV)-recipes/bin/python || $(PYTHON) -m venv $(VENV)-recipes
	@$(VENV)-recipes/bin/python -m pip --disable-pip-version-check install -qq --upgrade 'pip>=25.1'
	@$(VENV)-recipes/bin/python -m pip --disable-pip-version-check install -qq --editable '.[all]' --group recipes
	$(VENV)-recipes/bin/python -m pytest -q -p no:cacheprovider tests/integrations/test_workflows.py

# On another Python beside the one that runs all tests: what could differ there.
parts: $(TESTS_INSTALLED)
	$(BIN)/python -m pytest -p no:cacheprovider tests/core tests/adapters $(FACE_TESTS)

docs: export NO_MKDOCS_2_WARNING = 1
docs: $(DEV_INSTALLED)
	$(BIN)/python -m mkdocs build --strict

generate: $(DEV_INSTALLED)
	$(BIN)/python -m docs.generate

# --- what takes longer, and is not part of the tests ------------------------

RUNS ?= 20000
SEED ?= 0

simulate: $(DEV_INSTALLED)
	$(BIN)/python -m property_tests.simulate --runs $(RUNS) --seed $(SEED) $(if $(TAPE),--tape $(TAPE))

mutants: $(DEV_INSTALLED)
	@$(PIP) install -qq --group mutants
	$(BIN)/python -m tests.mutation $(ONLY)

cache-suite: $(DEV_INSTALLED)
	$(BIN)/python -m tests.cache_suite $(ARGS)

bench: $(DEV_INSTALLED)
	$(BIN)/python -m tests.benchmarks $(ARGS)

calls: $(DEV_INSTALLED)
	$(BIN)/python -m tests.calls $(ARGS)

# --- the built wheel --------------------------------------------------------

wheel: $(VENV)/.wheel-built

$(VENV)/.wheel-built: $(SOURCES) | $(DEV_INSTALLED)
	rm -rf dist
	$(PIP) wheel -qq --no-deps --wheel-dir dist .
	@touch $@

$(WHEEL_INSTALLED): $(VENV)/.wheel-built
	$(check_python)
	@echo 'Installing the wheel into $(WHEEL_VENV) ...'
	@test -x $(WHEEL_BIN)/python || $(PYTHON) -m venv $(WHEEL_VENV)
	@$(WHEEL_PIP) install -qq --upgrade 'pip>=25.1'
	@$(WHEEL_PIP) install -qq "$$(echo dist/dlmachine-*.whl)[all]" --group tests || $(call install_failed,$(WHEEL_VENV))
	@$(WHEEL_PIP) install -qq --force-reinstall --no-deps dist/dlmachine-*.whl
	@touch $@

# What users call is tested as they have it: the tests are copied away from the sources, so that
# only the installed wheel can be imported. Packing changes nothing below the face.
wheel-test: $(WHEEL_INSTALLED)
	rm -rf $(WHEEL_RUN)
	mkdir -p $(WHEEL_RUN)
	cp -R tests property_tests docs README.md mkdocs.yml pyproject.toml $(WHEEL_RUN)/
	cd $(WHEEL_RUN) && DLMACHINE_TEST_INSTALLED=1 $(abspath $(WHEEL_BIN))/python -m pytest tests --ignore=tests/multiprocess --ignore=tests/adapters --ignore=tests/core --ignore=tests/site --ignore=tests/messages

clean:
	rm -rf $(VENV) $(WHEEL_VENV) build dist site .coverage .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	find dlmachine adapters tests property_tests -name __pycache__ -type d -prune -exec rm -rf {} +
