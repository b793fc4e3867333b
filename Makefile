# make repro    everything from nothing: environment, data, models, metrics, plots
# make studies  the same models on many seeds (some two hours on two cores)
# make genuine  the same recipes on genuine corpora, from V3_MIRROR (docs/corpora.md; some hours)
# make sweep    how many codes? Told without a label, for DATASET=... (docs/codes.md)
# make jobs     a study as jobs, here or on Slurm: STUDY=seeds EXECUTOR=local JOBS=2 (docs/cluster.md)
# make docs     the tables of figures in README.md and docs/, from metrics/ and studies/
# make bench    how fast everything is on this machine (docs/performance.md); ARGS="--only train"
# make test     style, types and tests (installs Chromium, 290 MB, where it may: the page of plots)
# make lint     style and types alone
# make format   mend the style
# PYTHON=/path/to/python3.11 names an interpreter that is not on PATH.

BIN := .venv/bin
# For all that runs below. Stages run as `python -m ...`, so .venv has to be first.
export PATH := $(CURDIR)/$(BIN):$(PATH)

.PHONY: repro studies genuine sweep jobs docs bench test lint format environment fluidsynth chromium

repro: environment fluidsynth
	@scripts/repro.sh

studies: environment fluidsynth
	@for file in $(filter-out studies/genuine/%,$(wildcard studies/*/dvc.yaml)); do \
		study=$${file%/dvc.yaml}; \
		$(BIN)/python scripts/studies.py $${study##*/} && $(BIN)/dvc repro $$file || exit 1; \
	done
	@echo "Done. Medians and worst over the seeds lie in studies/*/metrics/."

genuine: environment
	$(BIN)/dvc repro studies/genuine/dvc.yaml

sweep: environment fluidsynth
	$(BIN)/python scripts/studies.py sweep $(if $(DATASET),--datasets $(DATASET))
	$(BIN)/dvc repro studies/sweep/dvc.yaml

jobs: environment fluidsynth
	$(BIN)/python scripts/jobs.py $(STUDY) --executor $(or $(EXECUTOR),local) --jobs $(or $(JOBS),1) \
		$(ARGS)

docs: environment
	$(BIN)/python scripts/tables.py

bench: environment fluidsynth
	OMP_NUM_THREADS=1 $(BIN)/python -m benchmarks $(ARGS)

test: lint fluidsynth chromium
	$(BIN)/python -m pytest -n auto --dist loadfile

lint: environment
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

format: environment
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

environment:
	@scripts/environment.sh

fluidsynth:
	@scripts/fluidsynth.sh

chromium:
	@scripts/chromium.sh
