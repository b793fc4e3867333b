"""What a user of DVC does: docs/dvc.md is walked through, command by command, on a tiny project."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import dvc.api
import pytest
import yaml
from project import ROOT, Project, tiny_project

PAGE = ROOT / "docs" / "dvc.md"
DATASET = "phonenums"
UP_TO_DATE = "Data and pipelines are up to date."
STUDIES = "studies/*/params.yaml"


def sections() -> dict[str, list[str]]:
    """The console blocks of the page by the heading that they stand under."""
    found: dict[str, list[str]] = {}
    heading, block = "", None
    for line in PAGE.read_text(encoding="utf-8").splitlines():
        if line.startswith("## "):
            heading = line[3:]
        elif line.strip() == "```console":
            block = []
        elif line.strip() == "```" and block is not None:
            found.setdefault(heading, []).append("\n".join(block))
            block = None
        elif block is not None:
            block.append(line.strip())
    return found


def commands(block: str) -> Iterator[tuple[str, list[str]]]:
    """Each command of a block, and the lines that the page says it prints."""
    for part in re.split(r"(?m)^\$ ", block)[1:]:
        command, *printed = part.rstrip("\n").split("\n")
        yield command, printed


def plain(line: str) -> str:
    """A line without what differs from run to run: digests, numbers, times, spaces, bars."""
    line = re.sub(r"\b(?=\w*\d)[0-9a-f]{7,40}\b", "#", line)
    line = re.sub(r"\d+([.:]\d+)*(e-\d+)?( [AP]M)?", "#", line)
    return re.sub(r"[\s|─│├└]+", " ", line).strip()


class Reader:
    """Somebody who types what the page says, in `folder` and where `cd` leads."""

    def __init__(self, project: Project) -> None:
        self.project = project
        self.folder = project.folder

    def types(self, command: str) -> str:
        """What a command prints, which must end with exit code 0."""
        place = self.project.folder.parent / "place"
        done = subprocess.run(
            ["bash", "-c", f"set -e\n{command}\npwd > '{place}'"],
            cwd=self.folder,
            env=self.project.env,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        assert done.returncode == 0, f"{command}:\n{done.stdout}"
        self.folder = Path(place.read_text(encoding="utf-8").strip())
        if command.startswith("dvc queue start"):
            while re.search(r"\b(Queued|Running)\b", self.types("dvc queue status")):
                time.sleep(0.5)
        return done.stdout

    def reads(self, block: str) -> None:
        """Type a block's commands; each prints every line that the page shows."""
        for command, printed in commands(block):
            said = self.types(command)
            real = [plain(line) for line in said.splitlines()]
            for line in printed:
                if line == "...":
                    continue
                wanted = re.escape(plain(line)).replace(r"\.\.\.", ".*")
                found = any(re.fullmatch(wanted, other) for other in real)
                assert found, f"$ {command}\nhas no line like: {line}\nbut:\n{said}"


@pytest.fixture(scope="module")
def reader(project: Project, tmp_path_factory: pytest.TempPathFactory) -> Reader:
    """A clone of a server's repository, with data and models, and the page's remote."""
    folder = tmp_path_factory.mktemp("user")
    project.git("clone", "-q", "--bare", str(project.folder), str(folder / "hub.git"))
    project.git("clone", "-q", str(folder / "hub.git"), str(folder / "v3"))
    clone = Project(folder / "v3")
    clone.env |= {
        f"GIT_{role}_{what}": value
        for role in ("AUTHOR", "COMMITTER")
        for what, value in (("NAME", "Test"), ("EMAIL", "test@example.org"))
    }
    shutil.copytree(project.folder / ".dvc" / "cache", clone.folder / ".dvc" / "cache")
    clone.dvc("checkout")
    made = Reader(clone)
    made.reads(sections()["A remote"][0])
    clone.git("tag", "begin")
    return made


@pytest.fixture
def home(reader: Reader) -> Iterator[Reader]:
    """The reader in that clone; afterwards its files are as they were."""
    reader.folder = reader.project.folder
    yield reader
    reader.project.git("switch", "-q", "-f", "main")
    reader.project.git("reset", "-q", "--hard", "begin")
    reader.project.dvc("checkout", "--force")


def test_every_block_is_read() -> None:
    """Here, by one of the tests below: what is not in this list nobody has tried."""
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
        assert len(said.splitlines()) < 20, command
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
        runs = [(dataset, seed) for dataset in study["datasets"] for seed in study["seeds"]]
        slow = study.get("slow_datasets", [])
        runs += [(dataset, seed) for dataset in slow for seed in study["slow_seeds"]]
        file = f"studies/{name}/dvc.yaml"
        wanted = {f"{file}:{stage}@{d}-{s}" for stage in ("train", "score") for d, s in runs}
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


# --- after an interruption ----------------------------------------------------------------------


def checkpoints(home: Reader) -> set[Path]:
    return set(home.folder.glob("scratch/*/checkpoint.pt"))


def kill_once(home: Reader, there: Callable[[], object], *command: str) -> None:
    """Start a command in a group of its own; `kill -9` the group when `there` says so."""
    running = subprocess.Popen(
        command,
        cwd=home.folder,
        env=home.project.env,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    while running.poll() is None and not there():
        time.sleep(0.01)
    assert running.poll() is None, "it had ended before"
    os.killpg(running.pid, signal.SIGKILL)
    running.wait()
    for left in (home.folder / ".git").glob("*.lock"):  # by a git that was killed, as the page says
        left.unlink()


def test_a_killed_experiment(home: Reader) -> None:
    """An edit of one's own and one that was staged are there at the end of both ways back."""
    blocks = sections()["Interrupted?"]
    look, go_on, drop, _ = blocks
    command = next(commands(go_on))[0]
    readme, makefile = home.folder / "README.md", home.folder / "Makefile"
    readme.write_text(readme.read_text("utf-8") + "my own\n", encoding="utf-8")
    makefile.write_text(makefile.read_text("utf-8") + "# my own\n", encoding="utf-8")
    home.types("git add Makefile")
    before = checkpoints(home)
    kill_once(home, lambda: checkpoints(home) - before, *command.split())
    for block in (look, go_on, drop):
        home.reads(block)
    assert home.types("git branch --show-current") == "main\n"
    changed = home.types("git status --porcelain").splitlines()
    assert {line[3:] for line in changed} == {"README.md", "Makefile"}
    assert readme.read_text("utf-8").endswith("my own\n")
    assert makefile.read_text("utf-8").endswith("# my own\n")
    assert "interrupted" in home.types("dvc exp list")


@pytest.mark.parametrize("moment", ["before the first stage", "in training"])
def test_a_killed_experiment_that_is_dropped_at_once(home: Reader, moment: str) -> None:
    look, _, drop, _ = sections()["Interrupted?"]
    note, before = home.folder / ".dvc" / "tmp" / "repro.dat", checkpoints(home)
    note.unlink(missing_ok=True)
    there = note.exists if moment.startswith("before") else lambda: checkpoints(home) - before
    command = ("dvc", "exp", "run", "-S", f"{DATASET}.train.relativity=13", f"train@{DATASET}")
    kill_once(home, there, *command)
    home.reads(look)
    home.reads(drop)
    assert home.types("git status --porcelain") == ""


def test_edits_that_a_killed_experiment_had_laid_aside(home: Reader) -> None:
    """Killed while DVC had them in the stash and git was writing the file without them."""
    readme = home.folder / "README.md"
    readme.write_text(readme.read_text("utf-8") + "my own\n", encoding="utf-8")
    home.types("git stash -q")
    readme.write_text("")
    home.reads(sections()["Interrupted?"][3])
    assert readme.read_text("utf-8").endswith("my own\n")
    assert home.types("git status --porcelain") == " M README.md\n"
    assert home.types("git stash list") == ""


@pytest.mark.parametrize("place", ["between two stages", "within a line"])
def test_a_lock_file_that_was_cut(home: Reader, place: str) -> None:
    """What ran since the commit is not run again: DVC has it."""
    home.types(f"dvc repro train@{DATASET}")
    params = home.folder / "params.yaml"
    values = yaml.safe_load(params.read_text(encoding="utf-8"))
    values[DATASET]["train"]["relativity"] = 14
    params.write_text(yaml.safe_dump(values, sort_keys=False), encoding="utf-8")
    home.types(f"dvc repro train@{DATASET}")
    model = home.folder / "models" / DATASET / "model.safetensors"
    made = model.read_bytes()
    lock = home.folder / "dvc.lock"
    text = lock.read_text(encoding="utf-8")
    end = text.index(f"  train@{DATASET}:")
    lock.write_text(text[: end if place == "between two stages" else end + 30], encoding="utf-8")

    (block,) = sections()["A lock file that was cut"]
    undo, again = commands(block)
    home.types(undo[0])
    said = home.types(f"{again[0]} train@{DATASET}")
    assert "is cached - skipping run" in said
    assert "> python -m stages.train" not in said
    assert model.read_bytes() == made


def test_a_full_disk(home: Reader) -> None:
    """After the page's advice every experiment can still be applied, from the cache alone."""
    home.types(f"dvc exp run --name kept -S {DATASET}.train.relativity=11 train@{DATASET}")
    home.types("git restore -qSW . && dvc checkout")
    before = home.types("dvc exp list --name-only").split()
    assert "kept" in before
    for block in sections()["A full disk"]:
        home.reads(block)
    for name in before:
        home.types(f"dvc exp apply {name}")
    assert home.types("dvc exp list --name-only").split() == before
