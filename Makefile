# What people type. Everything else is in the `autograder` command and in pytest.
#
#   make demo       set up and grade a sample class in two exercises, from release to feedback
#                   (EXERCISES=all for all of them, or their names)
#   make test       set up and run the tests: nbgrader, boxes, clusters, SLURM and a browser
#   make test-all   those, and all samples and attacks in boxes, and killed graders
#                   (PART=2/8: an eighth of what `make test` leaves out; UNTIL=SECONDS, counted
#                   from 1970: only what begins by then)
#   make test-long  every sample once more as a student runs it, in hours; not in CI
#   make test-fast  only those that need no box, no cluster and no browser
#   make coverage   branch coverage of the pure packages, at least 95 %
#   make canary     run all reference solutions on the newest releases, and report failures
#   make evidence   record the evidence of changed samples again (ARGS="--all" for all)
#   make lab        JupyterLab on a course in build/lab
#   make oldest     test the student's half with the oldest allowed versions
#   make check      all other checks that a change has to pass
#   make site       the documentation as a site, in build/site
#   make wheels     the packages for students and for instructors, in dist
#   make image      an image for students, by docker, podman or buildah (FLAVOUR=grader for graders)
#   make lock       renew requirements.lock after a change of pyproject.toml

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PROCESSES ?= 2
SHARE = $(PART:%=--part=%) $(UNTIL:%=--until=%)
PAIRED := -n $(PROCESSES) --dist loadfile --no-loadscope-reorder
# Few files have such tests, and to collect all others takes longer than some of them.
ALONE = $$(grep -rl --include='test_*.py' 'mark\.alone' tests)
OLDEST := build/oldest
FLAVOUR ?= student
STUDENTS := tests/integration/test_selfcheck.py \
	$(foreach package,checks cluster diagnose evidence replay speedup student submissions,tests/unit/$(package))
PURE := model replay speedup diagnose checks grading

# Tests start some thousand processes, and each would compile the kit anew.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.PHONY: help setup box demo test test-all test-long test-fast oldest coverage canary evidence lab check site wheels image lock clean

help:
	@sed -n '3,22s/^# *//p' Makefile

setup: $(VENV)/.ready

$(VENV)/.ready: requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "Python 3.11 or newer is needed; name it: make PYTHON=python3.11 ..."; exit 1; }
	@$(PYTHON) -m venv $(VENV) || { echo "Install python3-venv first."; exit 1; }
	@# Some 200 packages: of pip's own thousand lines, a few say how far it is.
	@{ PYTHONUNBUFFERED=1 $(BIN)/python -m pip install --progress-bar off --require-hashes \
		-r requirements.lock || echo FAILED; } | awk -v of="$$(grep -c '^[a-zA-Z0-9].*==' \
		requirements.lock)" -f packaging/progress.awk
	$(BIN)/python -m pip install --quiet --no-deps --no-build-isolation -e .
	@# An ordinary install brings these files along; one in place does not.
	@install -D -m 644 -t $(VENV)/etc/jupyter/jupyter_server_config.d \
		jupyter-config/dask-scaling-kit.json
	@install -D -m 644 -t $(VENV)/etc/jupyter jupyter-config/nbgrader_config.json
	@install -D -m 644 -t $(VENV)/etc/ipython jupyter-config/ipython_kernel_config.json
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

# Tests mostly wait, so two run at once; those that measure have the machine to themselves.
# What `make coverage` runs in the same call is not run again.
test: MARKED = not long and not thorough
test-all: MARKED = not long
test test-all: setup box
	$(BIN)/python -m pytest -m "$(MARKED) and not alone $(if $(filter \
		coverage,$(MAKECMDGOALS)),and slow)" $(PAIRED) $(SHARE); paired=$$?; \
	$(BIN)/python -m pytest -m "$(MARKED) and alone" $(SHARE) $(ALONE) && exit $$paired

test-long: setup box
	$(BIN)/python -m pytest -m long

test-fast: setup
	$(BIN)/python -m pytest -m "not slow" $(PAIRED)

# The student's half of the kit on the oldest versions that pyproject.toml allows.
oldest: setup
	@$(PYTHON) -m venv $(OLDEST)
	$(OLDEST)/bin/python -m pip install --quiet -r tests/oldest.txt hypothesis jupytext nh3 \
		cryptography setuptools
	$(OLDEST)/bin/python -m pip install --quiet --no-deps --no-build-isolation -e .
	$(OLDEST)/bin/python -m pytest -p no:cacheprovider -m "not thorough and not long" $(STUDENTS)

coverage: setup
	$(BIN)/python -m pytest -m "not slow" $(PAIRED) \
		$(PURE:%=--cov=autograder.%) --cov-branch --cov-report=term-missing:skip-covered \
		--cov-fail-under=95

# Not in CI: what it says changes with other people's releases.
canary: setup box
	$(BIN)/python tests/support/canary.py $(ARGS)

evidence: setup box
	$(BIN)/python tests/support/kept_evidence.py $(ARGS)

lab: setup
	$(BIN)/autograder course build/lab
	cd build/lab && PATH="$(CURDIR)/$(BIN):$$PATH" jupyter lab \
		$(if $(filter 0,$(shell id -u)),--allow-root)

check: setup site
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/mypy --platform darwin -p cluster -m autograder.student.pytest_plugin -m autograder.student.check -m autograder.instructor.scaling_study

# A broken link makes it fail.
site: setup
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --quiet

wheels: setup
	$(BIN)/python -m pip wheel --quiet --no-deps --no-build-isolation --wheel-dir dist \
		. ./packaging/instructor

image:
	packaging/image/try $(FLAVOUR)

lock: setup
	$(BIN)/uv pip compile pyproject.toml --all-extras --universal --python-version 3.11 \
		--generate-hashes --no-emit-index-url --no-header --quiet --upgrade -o requirements.lock

clean:
	rm -rf build $(VENV)
