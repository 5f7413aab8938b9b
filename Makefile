# session_calc: what there is to do, a sentence each. Needs make and Python 3.10 or newer; no Java, no root.
#
# Settings are read from the environment, and make hands its own variables on to there, so both of these work:
#     GROUP_KEY=os_family make session_calc
#     make session_calc GROUP_KEY=os_family

PYTHON ?= python3

# ENGINE=spark needs the whole of PySpark, which cannot share an environment with the small client of the other engines:
# both install the import package pyspark.
RUN_VENV := $(if $(filter spark,$(ENGINE)),.venv-spark,.venv)
TEST_VENV := .venv-test

# The tests choose their engine by --engine; a setting ENGINE in their environment would change what they test. MAKEFLAGS
# would carry it to a make that a test starts.
PYTEST = env -u ENGINE -u MAKEFLAGS -u MAKELEVEL -u MFLAGS $(TEST_VENV)/bin/pytest
# Each process has an engine of its own; more of them than that take more memory than they save time.
SIDE_BY_SIDE ?= --numprocesses auto --maxprocesses 4

.DEFAULT_GOAL := help
.PHONY: help session_calc eda test_app test test_clusters test_spark_versions bench bench_readme lint format dist clean

help:  ## Say what there is to do (the default).
	@echo 'make <target> [SETTING=value ...]'
	@echo
	@sed -n 's/^\([a-z_]*\):.*## \(.*\)/\1|\2/p' $(MAKEFILE_LIST) | awk -F'|' '{ printf "  %-20s %s\n", $$1, $$2 }'

session_calc: $(RUN_VENV)/.installed  ## Count sessions; the bundled sample unless READ_PATH says otherwise.
	@$(RUN_VENV)/bin/session-calc count

eda: $(RUN_VENV)/.report-installed  ## Look at the events before counting them: output/eda.html and output/eda.json.
	@$(RUN_VENV)/bin/session-calc profile

test_app:  ## Run the whole test suite on both engines: in a container where docker or podman answers, else in a virtual environment.
	@engine='$(CONTAINER_ENGINE)'; \
	if [ -z "$$engine" ]; then \
	    echo 'Neither docker nor podman answers: testing in the virtual environment $(TEST_VENV).'; where=venv; \
	elif ! base=$$($$engine build --quiet --file docker/Dockerfile --target base . 2>/dev/null); then \
	    echo "$$engine answers, but does not get the base image: testing in the virtual environment $(TEST_VENV)."; where=venv; \
	elif ! $$engine run --rm --network none "$$base" true >/dev/null 2>&1; then \
	    echo "$$engine answers, but cannot run a container: testing in the virtual environment $(TEST_VENV)."; where=venv; \
	else \
	    echo "$$engine answers: testing in a container."; where=container; \
	fi; \
	$(MAKE) --no-print-directory test_in_$$where CONTAINER_ENGINE="$$engine"

.PHONY: test_in_venv test_in_container
test_in_venv: $(TEST_VENV)/.installed
	@$(PYTEST) $(SIDE_BY_SIDE) --engine sail $(PYTEST_ARGS)
	@$(PYTEST) $(SIDE_BY_SIDE) --engine spark $(PYTEST_ARGS)

test_in_container:
	@$(BUILD) --target test --tag $(TEST_IMAGE) .
	@$(DOCKER) run --rm $(TEST_IMAGE) pytest --engine sail
	@$(DOCKER) run --rm $(TEST_IMAGE) pytest --engine spark

test: $(TEST_VENV)/.installed  ## Run the tests but the slow ones on ENGINE=sail (the inner loop) or spark; more options in PYTEST_ARGS.
	@$(PYTEST) $(SIDE_BY_SIDE) --engine $(or $(ENGINE),sail) -m 'not slow' $(PYTEST_ARGS)

test_clusters: $(TEST_VENV)/.installed  ## Run the tests that start real Spark clusters and servers, and those of S3 on classic Spark.
	@$(PYTEST) $(SIDE_BY_SIDE) --engine spark --clusters tests/test_cluster.py tests/test_s3_*.py $(PYTEST_ARGS)

VERSIONS ?= 3.5 4.0 4.1 4.2 4.3
test_spark_versions: $(TEST_VENV)/.installed $(VERSIONS:%=.venvs-spark-versions/%/.installed)  ## Count under the spark-submit of each of VERSIONS='3.5 4.0 4.1 4.2 4.3', and compare the bytes.
	@for version in $(VERSIONS); do \
	    echo "== Spark $$version"; \
	    $(PYTEST) tests/test_spark_versions.py --cluster-python .venvs-spark-versions/$$version/bin/python || exit 1; \
	done

# BENCH_LINES, BENCH_ROUNDS, BENCH_ONLY, BENCH_MEASURE, ...: `.venv-bench/bin/python -m bench --help` tells them all.
bench: .venv/.installed $(if $(BENCH_SPARK_PYTHON),,.venv-spark/.installed) .venv-bench/.installed  ## Measure against DuckDB, Polars and Spark by hand; BENCH_LINES=5000000, BENCH_ONLY=ours_sail,duckdb_lag, ...
	@.venv-bench/bin/python -m bench

bench_readme: .venv-bench/.installed  ## Put the table of the last `make bench` into the README.
	@.venv-bench/bin/python -m bench --readme

lint: $(TEST_VENV)/.installed  ## Check style, format and types; shell scripts, the Dockerfile and the workflows.
	@$(TEST_VENV)/bin/ruff check .
	@$(TEST_VENV)/bin/ruff format --check .
	@$(TEST_VENV)/bin/mypy
	@$(TEST_VENV)/bin/shellcheck .ci/run docker/*.sh
	@$(TEST_VENV)/bin/hadolint docker/Dockerfile
	@$(TEST_VENV)/bin/zizmor --offline --quiet .github

format: $(TEST_VENV)/.installed  ## Format the code, and mend what can be mended mechanically.
	@$(TEST_VENV)/bin/ruff check --fix-only --quiet .
	@$(TEST_VENV)/bin/ruff format .

dist: $(TEST_VENV)/.installed  ## Build the wheel, and for spark-submit the zip of the package and the application file, into dist/.
	@rm -rf build dist  # or modules deleted since the last build would be in the wheel
	@$(TEST_VENV)/bin/python -m pip wheel $(PIP_OPTIONS) --no-deps --wheel-dir dist .
	@$(TEST_VENV)/bin/python docker/py_files.py dist >/dev/null
	@ls dist/*

clean:  ## Remove results, caches, builds and the virtual environments.
	@find output -mindepth 1 ! -name .gitkeep -delete
	@rm -rf .venv .venv-spark .venv-test .venv-release .venv-bench .venvs-spark-versions build dist *.egg-info spark-warehouse metastore_db derby.log
	@rm -rf .pytest_cache .mypy_cache .ruff_cache .hypothesis
	@find session_calc tests bench -name __pycache__ -type d -prune -exec rm -rf {} +

# The first of docker and podman whose daemon answers. Five seconds, because a client whose daemon is gone can wait for minutes;
# macOS has no timeout command.
LIMIT = $(if $(shell command -v timeout 2>/dev/null),timeout 5)
CONTAINER_ENGINE = $(shell for engine in docker podman; do \
    if $(LIMIT) $$engine info >/dev/null 2>&1; then echo $$engine; break; fi; done)

include docker/images.mk

# PySpark comes as a source package, and the pip of Python 3.10 says in three lines that it builds it the old way.
PIP_OPTIONS := --quiet --disable-pip-version-check --use-pep517

# Virtual environments. The stamp is written last, so a set-up that failed or was stopped is done again.
.venv/.installed: extras := sail
.venv/.installed: duration := half a minute
.venv-spark/.installed: extras := spark
.venv-spark/.installed: duration := two minutes
$(TEST_VENV)/.installed: extras := spark,test,lint
$(TEST_VENV)/.installed: duration := two minutes
.venv-release/.installed: extras := release
.venv-release/.installed: duration := ten seconds

.venv/.installed .venv-spark/.installed .venv-release/.installed $(TEST_VENV)/.installed: setup.py pyproject.toml session_calc/_version.py
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 10))' 2>/dev/null || { \
	    echo "This needs Python 3.10 or newer, but $(PYTHON) is $$($(PYTHON) --version 2>/dev/null || echo not there)." \
	        'Name another one: make PYTHON=python3.12 ...' >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { \
	    echo '$(PYTHON) cannot make virtual environments: it comes without ensurepip.' \
	        'Name another one (make PYTHON=python3.12 ...), or on Debian and Ubuntu install the package python3-venv.' >&2; exit 1; }
	@echo 'Setting up $(@D) (once, about $(duration)) ...'
	@$(@D)/bin/python -c 'import pip' 2>/dev/null || $(PYTHON) -m venv --clear $(@D)
	@$(@D)/bin/python -m pip install $(PIP_OPTIONS) --editable '.[$(extras)]'
	@touch $@

# What the pages need, beside an engine.
$(RUN_VENV)/.report-installed: $(RUN_VENV)/.installed
	@$(RUN_VENV)/bin/python -m pip install $(PIP_OPTIONS) --editable '.[report]'
	@touch $@

.venv-bench/.installed: bench/requirements.txt
	@echo 'Setting up $(@D) (once, about ten seconds) ...'
	@$(PYTHON) -m venv --clear $(@D)
	@$(@D)/bin/python -m pip install $(PIP_OPTIONS) --requirement $<
	@touch $@

# A cluster's own PySpark: nothing but itself, on a Python that all the versions run on (3.5 knows none newer than 3.11).
.venvs-spark-versions/%/.installed:
	@echo 'Fetching Spark $* (once, about a minute) ...'
	@for python in python3.11 python3.10 $(PYTHON); do \
	    if $$python -c 'import ensurepip, venv' 2>/dev/null; then break; fi; done; \
	if $$python -c 'import sys; sys.exit(sys.version_info < (3, 12) or "$*" != "3.5")'; then \
	    echo "Spark 3.5 needs Python 3.10 or 3.11, but there is only $$($$python --version). Install one, or leave 3.5 out:" \
	        "make test_spark_versions VERSIONS='4.0 4.1 4.2 4.3'" >&2; exit 1; fi; \
	$$python -m venv --clear $(@D)
	@$(@D)/bin/python -m pip install $(PIP_OPTIONS) 'pyspark==$*.*'
	@touch $@
