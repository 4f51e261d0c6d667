# What people type. Everything else is in the `autograder` command and in pytest.
#
#   make demo       set up and grade a sample class over all exercises, from release to
#                   feedback (EXERCISES="ex02_parallel_prediction" for some of them)
#   make test       set up and run all tests
#   make test-fast  only those that need no box, no cluster and no browser
#   make lab        JupyterLab on a course in build/lab
#   make check      what a change has to pass besides the tests
#   make lock       renew requirements.lock after a change of pyproject.toml

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PAIRED := -n 2 --dist loadfile --no-loadscope-reorder

.DEFAULT_GOAL := help
.PHONY: help setup box demo test test-fast lab check lock clean

help:
	@sed -n '3,9s/^# *//p' Makefile

setup: $(VENV)/.ready

$(VENV)/.ready: requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "Python 3.11 or newer is needed; name it: make PYTHON=python3.11 ..."; exit 1; }
	@$(PYTHON) -m venv $(VENV) || { echo "Install python3-venv first."; exit 1; }
	$(BIN)/python -m pip install --quiet --require-hashes -r requirements.lock
	$(BIN)/python -m pip install --quiet --no-deps --no-build-isolation -e .
	@# An ordinary install brings these files along; one in place does not.
	@install -D -m 644 -t $(VENV)/etc/jupyter/jupyter_server_config.d \
		jupyter-config/dask-scaling-kit.json
	@install -D -m 644 -t $(VENV)/etc/jupyter jupyter-config/nbgrader_config.json
	@touch $@

# Grading refuses to run students' code without a box; see docs/trust.md.
box:
	@command -v bwrap >/dev/null || \
	if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
		apt-get update -qq && apt-get install -y -qq bubblewrap; \
	else \
		echo "bubblewrap is missing; install it: sudo apt install bubblewrap"; exit 1; \
	fi

demo: setup box
	$(BIN)/autograder demo build/demo $(EXERCISES)

# Most of a test's time is waiting, so two run at once; what is measured has the machine alone.
test: setup box
	$(BIN)/python -m pytest -m "not alone" $(PAIRED); paired=$$?; \
	$(BIN)/python -m pytest -m alone && exit $$paired

test-fast: setup
	$(BIN)/python -m pytest -m "not slow" $(PAIRED)

lab: setup
	$(BIN)/autograder course build/lab
	cd build/lab && PATH="$(CURDIR)/$(BIN):$$PATH" jupyter lab \
		$(if $(filter 0,$(shell id -u)),--allow-root)

check: setup
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy

lock: setup
	$(BIN)/uv pip compile pyproject.toml --extra dev --universal --python-version 3.11 \
		--generate-hashes --no-emit-index-url --no-header --quiet --upgrade -o requirements.lock

clean:
	rm -rf build $(VENV)
