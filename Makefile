# Needs python3 (3.11 or newer), pip and make. Everything else goes into .venv.
#
#   make serve ARGS="--port 0"      make test ARGS="-k gateway -x"      make setup PYTHON=python3.12

PYTHON ?= python3
ARGS ?=
# One more than there are cores, up to 4: many tests wait for a server. In the order in which they
# stand: sorted by their number, the files with few and long tests would all come last.
WORKERS ?= $(shell n=$$(nproc); [ $$n -ge 4 ] && echo 4 || echo $$((n + 1)))
VENV := .venv
BIN := $(VENV)/bin
INSTALLED := $(VENV)/.installed
# pip from outside: works where the venv module comes without ensurepip, as on Debian.
PIP := $(PYTHON) -m pip --python $(BIN)/python --disable-pip-version-check --quiet

.PHONY: help setup serve test soak browser lint format types docs lock check clean autobahn bench peers \
	profile-fanout profile-chat profile-live

help:  ## list the targets
	@sed -n 's/^\([a-z-]*\):.*##/\1\t/p' Makefile

setup: $(INSTALLED)  ## install Plaza and its tools into .venv: leaves .venv/bin/plaza

serve: $(INSTALLED)  ## serve with an embedded Postgres, on http://127.0.0.1:8080
	@exec $(BIN)/plaza serve $(ARGS)

test: $(INSTALLED)  ## the tests, but for those of soak and browser
	$(BIN)/python -m pytest --numprocesses $(WORKERS) --dist loadfile --no-loadscope-reorder $(ARGS)

soak: $(INSTALLED)  ## the tests that take minutes
	$(BIN)/python -m pytest -m soak $(ARGS)

# Plain tracebacks: pytest's own trip over ast.parse of CPython 3.11.7 when Playwright's are deep.
browser: $(INSTALLED)  ## the tests of the web client, in Debian's chromium
	$(BIN)/python -m pytest -m browser --tb=native $(ARGS)

BENCH := build/bench
QUESTIONS := $(basename $(notdir $(wildcard loadtest/questions/*.toml)))
BENCHMARKS := inbound presence feed
PARTS := inbound fanout srtp rtp publisher forward media_flood agreement
# What fails does not stop the rest: most of an hour is a long time to begin again.
bench: $(INSTALLED)  ## all that docs/performance.md is made of: most of an hour; ARGS=--small tries it
	@failed=; \
	for name in $(QUESTIONS); do \
		$(BIN)/plaza loadtest run $$name --quiet --json $(BENCH)/$$name.json \
			--html $(BENCH)/$$name.html $(ARGS) || failed="$$failed $$name"; done; \
	$(BIN)/plaza loadtest peers --json $(BENCH)/peers.json --html $(BENCH)/peers.html $(ARGS) \
		|| failed="$$failed peers"; \
	for name in $(BENCHMARKS); do \
		$(BIN)/python -m loadtest.$$name --json $(BENCH)/$$name.json $(ARGS) \
			|| failed="$$failed $$name"; done; \
	for name in $(PARTS); do \
		$(BIN)/python -m tests.benchmarks.$$name --json $(BENCH)/parts-$$name.json $(ARGS) \
			|| failed="$$failed parts-$$name"; done; \
	test -z "$$failed" || { echo "Failed:$$failed"; exit 1; }

# docs/profiling.md. ARGS="--seconds 30 --native --perf", for example.
profile-fanout: $(INSTALLED)  ## a flame graph of the server while it delivers in a large room
	$(BIN)/python -m loadtest.profile fanout $(ARGS)

profile-chat: $(INSTALLED)  ## the same, while many pairs write to each other
	$(BIN)/python -m loadtest.profile chat $(ARGS)

profile-live: $(INSTALLED)  ## the same, while it forwards a live stream
	$(BIN)/python -m loadtest.profile live $(ARGS)

# Of the servers that `plaza loadtest peers` compares with Plaza, the one that comes from npm.
SOCKETIO := build/peers/socketio
peers: $(SOCKETIO)/.installed  ## install Socket.IO, to be compared with; needs npm

$(SOCKETIO)/.installed: loadtest/peers/socketio/package.json loadtest/peers/socketio/package-lock.json
	@npm --version >/dev/null 2>&1 || { echo "npm is missing. On Debian: apt-get install npm"; exit 1; }
	@mkdir -p $(SOCKETIO) && cp $^ $(SOCKETIO)
	npm ci --prefix $(SOCKETIO) --ignore-scripts --no-audit --no-fund
	@touch $@

lint: $(INSTALLED)  ## style
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

format: $(INSTALLED)  ## correct the style
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

types: $(INSTALLED)  ## strict types
	$(BIN)/mypy

check: lint types test  ## what a change must pass

docs: $(INSTALLED)  ## write the generated parts of docs/ anew
	$(BIN)/python -m server.reference --write
	$(BIN)/python -m loadtest.scenarios.reference --write
	$(BIN)/python docs/generate.py --write

# The suite exists for Python 2.7 only, and stays out of $(VENV): pip's user scheme with a home of its
# own does what venv does for Python 3. PYENV_VERSION matters where python2.7 is pyenv's.
PYTHON2 ?= python2.7
PIP2 := PYENV_VERSION=2.7 PYTHONUSERBASE=$(CURDIR)/.venv-autobahn $(PYTHON2) -m pip
autobahn: $(INSTALLED) .venv-autobahn/.installed  ## every case of the Autobahn suite: RFC 6455, 7692
	$(BIN)/python tests/autobahn/run.py $(ARGS)

.venv-autobahn/.installed: tests/autobahn/requirements.txt
	@$(PIP2) --version >/dev/null 2>&1 || { echo "The Autobahn suite needs Python 2.7 with pip." \
		"Say where it is: make autobahn PYTHON2=/path/to/python2.7"; exit 1; }
	$(PIP2) install --user --no-deps --quiet --no-warn-script-location \
		--disable-pip-version-check --requirement $<
	@touch $@

COMPILE = $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
	--no-emit-index-url --custom-compile-command "make lock" $(ARGS)
lock: $(INSTALLED)  ## pin what pyproject.toml asks for; ARGS=--upgrade takes newer versions
	$(COMPILE) --output-file requirements.lock pyproject.toml
	$(COMPILE) --output-file requirements-dev.lock --extra dev --constraint requirements.lock \
		pyproject.toml
	$(COMPILE) --output-file requirements-build.lock --group build

clean:  ## remove what make and the tools made; data/ stays
	rm -rf $(VENV) .venv-autobahn build *.egg-info .mypy_cache .pytest_cache .ruff_cache .hypothesis

$(INSTALLED): pyproject.toml requirements-build.lock requirements-dev.lock
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
		echo "Plaza needs Python 3.11 or newer. Say where it is: make PYTHON=/path/to/python3"; \
		exit 1; }
	@$(PYTHON) -m pip --version >/dev/null || { \
		echo "pip is missing. On Debian or Ubuntu: apt-get install python3-pip"; exit 1; }
	@echo "Installing Plaza into $(VENV) ..."
	@$(BIN)/python -c "" 2>/dev/null || $(PYTHON) -m venv --clear --without-pip $(VENV)
	@{ $(WITH_UV); } || { echo "uv is not to be had: pip takes a minute ..."; $(WITH_PIP); }
	@touch $@

WITH_UV = $(PIP) install --require-hashes --only-binary :all: -r requirements-build.lock \
	&& $(BIN)/uv pip install --quiet --python $(BIN)/python --require-hashes -r requirements-dev.lock \
	&& $(BIN)/uv pip install --quiet --python $(BIN)/python --no-build-isolation --no-deps -e .
WITH_PIP = $(PIP) install --require-hashes -r requirements-dev.lock \
	&& $(PIP) install --no-deps -e .
