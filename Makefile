# run: the dashboard · demo: the outage played step by step, without a workspace or a network · test: everything that must hold · test-agents: the real agents with our configs · test-pythons: the tests on Python 3.11 and 3.12 · bench: how fast a sweep is and what many viewers cost (BENCH_QUICK=1 for a short look) · rehearsal: the README on a clean machine, timed · screenshots: the pictures in docs/ · audit: known vulnerabilities and the bill of materials · lock: pin everything anew · setup: only the environment · setup-locked: the same with exactly what is locked
.PHONY: run demo test test-form test-behaviour venv chromium test-agents test-pythons bench rehearsal setup setup-dev setup-locked audit lock python-found screenshots

ifndef PYTHON
PYTHON := $(shell for python in python3 python3.14 python3.13 python3.12 python3.11 python; do \
	if $$python -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1; then echo $$python; break; fi; done)
endif
VENV_PYTHON = .venv/bin/python

run: setup
	@$(VENV_PYTHON) -m scripts.run

demo: setup
	@SWITCHYARD_SIMULATE=demo $(VENV_PYTHON) -m scripts.run

test: venv
	@$(MAKE) --no-print-directory -j 2 setup-dev chromium
	@$(MAKE) --no-print-directory -j 2 test-form test-behaviour
	@# One at a time: two or three beside each other took a third less, and failed in every second run.
	$(VENV_PYTHON) -m pytest tests/browser

test-form:
	$(VENV_PYTHON) -m ruff check .
	$(VENV_PYTHON) -m ruff format --check .
	$(VENV_PYTHON) -m mypy --strict core pages app.py

test-behaviour:
	$(VENV_PYTHON) -m pytest -n 2 --ignore tests/browser -m "not agents"

chromium: python-found
	@$(PYTHON) -m scripts.chromium

test-agents: setup-dev
	@$(VENV_PYTHON) -m scripts.agents_environment
	$(VENV_PYTHON) -m pytest -m agents

test-pythons: python-found
	@$(PYTHON) -m scripts.python_versions

bench: setup-dev
	@$(VENV_PYTHON) -m bench

rehearsal: python-found
	@$(PYTHON) -m scripts.rehearsal

setup: python-found
	@$(PYTHON) scripts/setup_environment.py requirements.txt

setup-dev: python-found
	@$(PYTHON) scripts/setup_environment.py requirements.txt requirements-dev.txt

# By itself before anything runs beside it: it may need apt-get, of which there is only one at a time.
venv: python-found
	@$(PYTHON) scripts/setup_environment.py

python-found:
	@test -n "$(PYTHON)" || { echo "Switchyard needs Python 3.11 or newer, and none is on PATH." \
		"Install it, or type: make PYTHON=/path/to/python $(MAKECMDGOALS)" >&2; exit 1; }

screenshots: setup-dev chromium
	@$(VENV_PYTHON) -m scripts.screenshots

setup-locked: python-found
	@$(PYTHON) scripts/setup_environment.py requirements.lock

audit: setup
	@$(PYTHON) scripts/setup_environment.py requirements-audit.txt
	@$(VENV_PYTHON) -m scripts.audit

lock: setup
	@$(PYTHON) scripts/setup_environment.py requirements-audit.txt
	@for name in requirements requirements-dev; do \
		.venv/bin/uv pip compile --quiet --upgrade --universal --python-version 3.11 --generate-hashes --no-header \
			--no-annotate $$name.txt --output-file $$name.lock; done
