"""Studies as jobs: real DVC in clones of a small project with a study of the usual shape."""

from __future__ import annotations

import json
import os
import shutil
import sys
from pathlib import Path

import pytest
from project import ROOT, Project
from ruamel.yaml import YAML

PIPELINE = """\
stages:
  data:
    cmd: mkdir -p data && echo digits > data/fragments && echo data >> $LOG
    deps: [params.yaml]
    outs: [data/fragments]
"""
# Like studies/seeds, with commands that take no time. Seed 1 cannot be measured before $MENDED is
# there.
STUDY = """\
vars:
- runs: {}
- datasets: {}
stages:
  train:
    foreach: ${runs}
    do:
      wdir: ../..
      cmd:
      - echo train-${item.seed} >> $LOG
      - mkdir -p studies/seeds/runs/${item.seed}/models
      - cat data/fragments > studies/seeds/runs/${item.seed}/models/${item.dataset}
      deps: [data/fragments]
      outs: ["studies/seeds/runs/${item.seed}/models/${item.dataset}"]
  score:
    foreach: ${runs}
    do:
      wdir: ../..
      cmd:
      - >-
        test ${item.seed} != 1 || test -e $MENDED || (echo "error: no memory." >&2; exit 1)
      - mkdir -p studies/seeds/scores/${item.dataset}
      - echo ${item.seed} > studies/seeds/scores/${item.dataset}/${item.seed}.json
      deps: ["studies/seeds/runs/${item.seed}/models/${item.dataset}"]
      outs:
      - studies/seeds/scores/${item.dataset}/${item.seed}.json:
          cache: false
  summarise:
    foreach: ${datasets}
    do:
      wdir: ../..
      cmd:
      - mkdir -p studies/seeds/metrics
      - cat studies/seeds/scores/${key}/* > studies/seeds/metrics/${key}.json
      deps: ["studies/seeds/scores/${key}"]
      outs:
      - studies/seeds/metrics/${key}.json:
          cache: false
"""
SEEDS = (0, 1, 2)
RUNS = [f"phonenums-{seed}" for seed in SEEDS]
# What a cluster's own programs do, without a cluster: all of an array at once, on this machine.
SLURM = {
    "srun": """\
while [[ $1 == --* ]]; do
    case $1 in *=* | --unbuffered) shift ;; *) shift 2 ;; esac
done
exec "$@"
""",
    "sbatch": """\
file=${!#}
cp "$file" "$SLURM_FILES/submitted.sh"
last=$(sed -n 's/^#SBATCH --array=0-\\([0-9]*\\)%.*/\\1/p' "$file")
for ((task = 0; task <= last; task++)); do
    SLURM_JOB_ID=$((71 + task)) SLURM_ARRAY_JOB_ID=70 SLURM_ARRAY_TASK_ID=$task SLURM_PROCID=0 \\
        SLURM_LOCALID=0 SLURM_NTASKS=1 SLURM_JOB_NUM_NODES=1 SLURM_NODEID=0 \\
        SLURM_JOB_NODELIST=node bash "$file" >"$SLURM_FILES/$task.out" 2>&1 &
done
echo "Submitted batch job 70"
""",
    "sacct": 'echo "JobID|State|NodeList"',
    "scancel": "true",
}


@pytest.fixture
def study(tmp_path: Path) -> Project:
    """A committed project with that study, its data made."""
    pytest.importorskip("submitit")
    made = Project(tmp_path / "v3")
    made.folder.mkdir()
    for name in ("v3", "scripts"):
        shutil.copytree(
            ROOT / name, made.folder / name, ignore=shutil.ignore_patterns("__pycache__")
        )
    for name in (".gitignore", ".dvcignore"):
        shutil.copy(ROOT / name, made.folder / name)
    yaml = YAML(typ="safe", pure=True)
    yaml.default_flow_style = False
    params = yaml.load((ROOT / "params.yaml").read_text("utf-8"))
    params["studies"] = {"seeds": {"datasets": ["phonenums"], "seeds": list(SEEDS)}}
    with open(made.folder / "params.yaml", "w", encoding="utf-8") as file:
        yaml.dump(params, file)
    (made.folder / "dvc.yaml").write_text(PIPELINE)
    (made.folder / "studies" / "seeds").mkdir(parents=True)
    (made.folder / "studies" / "seeds" / "dvc.yaml").write_text(STUDY)
    site = os.environ.get("PYTHONPATH")  # of what is not installed, but there
    made.env |= {"LOG": str(tmp_path / "log"), "MENDED": str(tmp_path / "mended")}
    made.env |= {"PYTHONPATH": site} if site else {}
    made.git("init", "-q", "-b", "main")
    made.dvc("init")
    made.dvc("repro")
    made.commit()
    return made


def jobs(study: Project, *args: str, fails: bool = False) -> str:
    return study.run(sys.executable, "scripts/jobs.py", "seeds", *args, fails=fails)


def done(study: Project) -> list[str]:
    """What was run so far, by $LOG."""
    return sorted(Path(study.env["LOG"]).read_text().split())


def scores(study: Project) -> set[str]:
    return {file.stem for file in (study.folder / "studies/seeds/scores").rglob("*.json")}


def test_a_failed_job_is_named_and_runs_again_alone(study: Project) -> None:
    said = jobs(study, "--jobs", "2", fails=True)
    assert "1 of 3 jobs failed: phonenums-1." in said
    assert "phonenums-1: failed: error: no memory." in said
    assert "python scripts/jobs.py seeds --runs phonenums-1" in said
    assert "Traceback" not in said
    # What succeeded is here, models too; of what failed nothing is.
    assert scores(study) == {"0", "2"}
    models = study.folder / "studies" / "seeds" / "runs"
    assert {file.parent.parent.name for file in models.rglob("phonenums")} == {"0", "2"}
    assert not (study.folder / "studies" / "seeds" / "metrics").exists()
    # Data that the checkout has made comes from the cache.
    assert done(study) == ["data", "train-0", "train-1", "train-2"]
    clones = study.folder / "scratch" / "jobs" / "seeds"
    assert [(clones / run / "v3").exists() for run in RUNS] == [False, True, False]

    Path(study.env["MENDED"]).touch()
    said = jobs(study, "--failed")
    assert "phonenums-1: done" in said
    assert "phonenums-0" not in said
    # The clone was kept, so it went on where it was: nothing is trained twice.
    assert done(study) == ["data", "train-0", "train-1", "train-2"]
    assert (study.folder / "studies/seeds/metrics/phonenums.json").read_text() == "0\n1\n2\n"
    assert "up to date" in study.dvc("status", "studies/seeds/dvc.yaml")
    assert "up to date" in study.dvc("repro", "studies/seeds/dvc.yaml")
    changed = study.git("status", "--porcelain").splitlines()
    assert all(line[3:].startswith("studies/seeds/") for line in changed)
    assert not any((clones / run / "v3").exists() for run in RUNS)

    said = jobs(study)
    assert said.count("is there already") == 3
    assert "begun" not in said


def test_runs_and_edits_that_no_job_can_have(study: Project) -> None:
    assert "has no run phonenums-9" in jobs(study, "--runs", "phonenums-9", fails=True)
    params = study.folder / "params.yaml"
    params.write_text(params.read_text() + "# an edit\n")
    said = jobs(study, "--runs", "phonenums-0", fails=True)
    assert "changed and not committed: params.yaml" in said
    assert not (study.folder / "scratch" / "jobs" / "seeds" / "phonenums-0" / "v3").exists()
    study.git("checkout", "-q", "params.yaml")
    said = jobs(study, "--executor", "slurm", fails=True)
    assert "--executor slurm: Could not detect" in said
    assert "Traceback" not in said


def test_by_slurm(study: Project, tmp_path: Path) -> None:
    """By what its programs are given; jobs that nobody waited for are brought home later."""
    programs = tmp_path / "bin"
    programs.mkdir()
    for name, text in SLURM.items():
        (programs / name).write_text(f"#!/usr/bin/env bash\n{text}\n")
        (programs / name).chmod(0o755)
    study.env["PATH"] = f"{programs}{os.pathsep}{study.env['PATH']}"
    study.env["SLURM_FILES"] = str(tmp_path)
    Path(study.env["MENDED"]).touch()
    options = ["--jobs", "2", "--cpus", "3", "--gpus", "1", "--memory-gb", "6", "--minutes", "90"]
    options += ["--partition", "short", "--slurm", "account=lab"]
    said = jobs(study, "--executor", "slurm", "--runs", *RUNS[:2], *options)
    asked = (tmp_path / "submitted.sh").read_text()
    for line in (
        "--array=0-1%2",
        "--cpus-per-task=3",
        "--gpus-per-node=1",
        "--mem=6GB",
        "--time=90",
        "--partition=short",
        "--account=lab",
    ):
        assert f"#SBATCH {line}\n" in asked
    assert "Not summarised, for these runs are not there: phonenums-2" in said
    assert scores(study) == {"0", "1"}

    jobs(study, "--here", "phonenums-2")  # what a job does
    assert scores(study) == {"0", "1"}
    said = jobs(study, "--collect")
    assert scores(study) == {"0", "1", "2"}
    assert json.loads((study.folder / "studies/seeds/scores/phonenums/2.json").read_text()) == 2
    assert "All runs of studies/seeds are here" in said
