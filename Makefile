# make repro     everything, from nothing to metrics and plots (again: only what changed)
# make studies   the same models with many seeds: studies/
# make test      style, types, tests, and a tiny run of the whole pipeline
# make format    put the code into its form
# make lock      requirements.txt anew from requirements.in
#
# PYTHON names the Python 3.11 to use; PIP_ARGS is handed to pip, for example the index of PyTorch
# without CUDA: make repro PIP_ARGS="--extra-index-url https://download.pytorch.org/whl/cpu"

PYTHON ?= python3.11
PIP_ARGS ?=
export PATH := $(CURDIR)/.venv/bin:$(PATH)
export DVC_NO_ANALYTICS := 1

.PHONY: repro studies test lint format lock install fluidsynth

# One dataset after the other, so that the first has its figures soon; then what is left (pictures).
repro: install fluidsynth
	@for stage in $$(dvc stage list --name-only | grep '^summary@'); do \
		dvc repro $$stage || exit 1; done
	dvc repro

studies: install fluidsynth
	dvc repro studies/seeds/dvc.yaml

test: lint fluidsynth
	python -m pytest

lint: install
	ruff check .
	ruff format --check .
	mypy

format: install
	ruff check --fix .
	ruff format .

lock:
	PYTHON=$(PYTHON) scripts/lock.sh

install: .venv/installed

fluidsynth:
	@scripts/fluidsynth.sh

.venv/installed: requirements.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info[:2] != (3, 11))' 2> /dev/null || { \
		echo "error: $(PYTHON) is no Python 3.11: install one (Debian, Ubuntu: apt-get install" \
		"python3.11 python3.11-venv; macOS: brew install python@3.11; anywhere: uv python install" \
		"3.11) or name yours: make PYTHON=/path/to/python3.11" >&2; exit 1; }
	@test -x .venv/bin/python || $(PYTHON) -m venv .venv || { \
		echo "error: $(PYTHON) cannot make a virtual environment: install its venv package" \
		"(Debian, Ubuntu: apt-get install python3.11-venv) and run the same command again." >&2; \
		rm -rf .venv; exit 1; }
	.venv/bin/python -m pip install --quiet --disable-pip-version-check $(PIP_ARGS) -r requirements.txt
	@touch $@
