"""What a user of DVC does daily: docs/dvc.md is walked through, by command, on a tiny project."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import dvc.api
import yaml
from dvc_reader import DATASET, PAGE, Reader, sections
from project import ROOT, Project, tiny_project

UP_TO_DATE = "Data and pipelines are up to date."
STUDIES = "studies/*/params.yaml"


def test_every_block_is_read() -> None:
    """By a test here or in test_dvc_recovery.py: what is not in this list nobody has tried."""
    assert set(sections()) == {
        "A remote",
        "Versions of models",
        "Experiments",
        "Studies",
        "Interrupted?",
        "A lock file that was cut",
        "A full disk",
        "Fewer datasets",
    }


def test_a_remote(home: Reader) -> None:
    for block in sections()["A remote"][1:]:
        home.reads(block)
    colleague = Project(home.project.folder.parent / "colleague")
    for made in ("data", "models"):
        files = [file for file in (home.project.folder / made).rglob("*") if file.is_file()]
        assert files
        for file in files:
            twin = colleague.folder / file.relative_to(home.project.folder)
            assert twin.read_bytes() == file.read_bytes()
    assert colleague.git("status", "--porcelain") == ""


def test_versions_of_models(home: Reader) -> None:
    names = yaml.safe_load((home.project.folder / "dvc.yaml").read_text("utf-8"))["artifacts"]
    assert set(names) == {entry.name for entry in (ROOT / "v3" / "corpora").iterdir()} & set(names)
    for name, entry in names.items():
        assert entry["path"] == f"models/{name}"
        assert entry["type"] == "model"
        assert entry["desc"]
        assert entry["labels"]
    for block in sections()["Versions of models"]:
        home.reads(block)
    shown = dvc.api.artifacts_show(DATASET, repo=str(home.project.folder))
    assert shown["path"] == f"models/{DATASET}"
    assert shown["rev"] == home.types("git rev-parse HEAD").strip()


def test_experiments(home: Reader) -> None:
    if not (home.folder.parent / "colleague").exists():  # this test alone
        home.reads(sections()["A remote"][1])
        home.folder = home.project.folder
    for block in sections()["Experiments"]:
        home.reads(block)


def test_from_python(home: Reader) -> None:
    code = re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    assert len(code) == 1
    show = "\nimport json; print(json.dumps([relativity, figures['purity'], len(weights)]))"
    done = subprocess.run(
        [sys.executable, "-c", code[0] + show],
        cwd=home.folder,
        env=home.project.env,
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    _, purity, size = json.loads(done.stdout)
    summary = home.folder / "metrics" / DATASET / "summary.json"
    assert purity == json.loads(summary.read_text(encoding="utf-8"))["purity"]
    assert size == (home.folder / "models" / DATASET / "model.safetensors").stat().st_size


def test_studies(home: Reader) -> None:
    for block in sections()["Studies"]:
        home.reads(block)
    assert not list(home.folder.glob(STUDIES))


def test_plain_commands_where_no_study_was_run(home: Reader) -> None:
    """Exit code 0, and not a line about a study."""
    for command in ("status", "checkout", "pull", "push", "data status", "metrics show"):
        said = home.types(f"dvc {command}")
        assert "studies" not in said, command
        assert len(said.splitlines()) < 25, command
    home.types(f"dvc exp run --name baseline -S +{DATASET}.baseline.fragments=50")
    said = home.types("git restore -qSW . && dvc checkout && dvc exp apply baseline && dvc status")
    assert "studies" not in said
    assert UP_TO_DATE in said


def test_a_study_is_run_in_sight_and_out_of_git(home: Reader) -> None:
    """Its figures are git's; hidden again, plain commands know nothing of it."""
    params = home.folder / "params.yaml"
    text = params.read_text(encoding="utf-8")
    values = yaml.safe_load(text)
    values["studies"]["published"]["seeds"] = [1]
    params.write_text(yaml.safe_dump(values, sort_keys=False), encoding="utf-8")
    home.types("python scripts/studies.py published")
    home.types("dvc repro studies/published/dvc.yaml")
    said = home.types("dvc repro --dry studies/published/dvc.yaml")
    assert UP_TO_DATE in said
    changed = home.types("git status --porcelain --untracked-files=all").splitlines()
    made = {line[3:] for line in changed if "studies" in line}
    assert made == {
        "studies/published/dvc.lock",
        f"studies/published/metrics/{DATASET}.json",
        f"studies/published/plots/{DATASET}.png",
        f"studies/published/scores/{DATASET}/1.json",
    }
    assert "studies" not in home.types("dvc status")
    # in another clone, which has the study's lock and neither its models nor the file of runs
    home.types(f"rm {STUDIES} && rm -r studies/published/runs")
    home.types("dvc checkout && dvc pull")
    assert "studies" not in home.types("dvc status")
    home.types("git clean -fdq studies")


def test_every_listed_run_of_a_study_is_a_stage(tmp_path: Path) -> None:
    made = tiny_project(tmp_path / "v3")
    assert "studies" not in made.dvc("stage", "list", "--all")
    made.run("python", "scripts/studies.py")
    assert made.git("status", "--porcelain") == ""
    stages = set(made.dvc("stage", "list", "--all", "--name-only").split())
    studies = yaml.safe_load((made.folder / "params.yaml").read_text("utf-8"))["studies"]
    for name, study in studies.items():
        if name == "genuine":  # has stages of its own making: test_genuine.py
            continue
        slow = study.get("slow_datasets", [])
        listed = ((study["datasets"], "seeds"), (slow, "slow_seeds"))
        runs = [(d, s) for names, of in listed for d in names for s in study[of].split(", ")]
        names = {f"{d}-{s}" for d, s in runs}
        if any(key in study for key in ("atoms", "codebooks")):
            own = study.get("codebooks", {})
            names = {
                f"{dataset}-{atoms}-{seed}"
                for dataset, seed in runs
                for atoms in own.get(dataset, study)["atoms"].split(", ")
            }
        file = f"studies/{name}/dvc.yaml"
        wanted = {f"{file}:{stage}@{run}" for stage in ("train", "score") for run in names}
        wanted |= {f"{file}:summarise@{dataset}" for dataset in [*study["datasets"], *slow]}
        assert {stage for stage in stages if stage.startswith(file)} == wanted


def list_datasets(home: Reader, *names: str) -> None:
    """Write `datasets` into params.yaml."""
    params = home.folder / "params.yaml"
    values = yaml.safe_load(params.read_text(encoding="utf-8")) | {"datasets": list(names)}
    params.write_text(yaml.safe_dump(values, sort_keys=False), encoding="utf-8")


def test_fewer_datasets(home: Reader, tmp_path: Path) -> None:
    """All five's lock files and a remote with one's data: exit code 0, not a line about others."""
    (block,) = sections()["Fewer datasets"]
    home.types(f"git clone -q . '{tmp_path}/v3'")
    home.types(f"cp -r .dvc/cache '{tmp_path}/v3/.dvc/cache'")
    home.folder = tmp_path / "v3"
    home.types(f"dvc remote add --local --force store '{tmp_path}/store'")
    list_datasets(home, DATASET)
    assert "python scripts/corpora.py" in home.types("dvc repro check_params")
    home.reads(block)
    assert "note:" not in home.types("dvc repro --force check_params")
    home.types("git commit -qam fewer && dvc checkout && dvc push && rm -rf .dvc/cache models data")
    for command in ("pull", "status", "checkout", "push", "repro"):
        said = home.types(f"dvc {command}")
        assert not re.search("insnotes|svhn|sprites|librispeech", said), said
    home.types(f"dvc exp run --name few -S +{DATASET}.baseline.fragments=50")
    said = home.types("git restore -qSW . && dvc checkout && dvc exp apply few && dvc status")
    assert not re.search("insnotes|svhn|sprites|librispeech", said), said
    home.types("git restore -qSW . && dvc checkout")
    assert home.types("git status --porcelain") == ""


def test_a_hidden_dataset_that_is_listed_is_refused(home: Reader) -> None:
    list_datasets(home, DATASET)
    home.types("python scripts/corpora.py")
    list_datasets(home, DATASET, "svhn")
    said = home.project.dvc("repro", fails=True)
    assert "datasets lists svhn, but corpora/.dvcignore hides" in said
    home.types("python scripts/corpora.py && dvc repro check_params")
    assert "svhn" not in (home.folder / "corpora/.dvcignore").read_text("utf-8")
