"""A lock file that a stop has cut is noticed before anything runs."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from v3.base import lock_files
from v3.base.errors import V3Error
from v3.base.lock_files import check_lock, stages

LOCK = "schema: '2.0'\nstages:\n" + "".join(
    f"  {name}:\n    cmd: python -m stages.x\n    deps:\n    - path: a\n      md5: b\n"
    for name in ("check_params", "split@mine", "train@mine", "swap@mine")
)
GIT = ("git", "-c", "user.name=Test", "-c", "user.email=test@example.org")


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A repository with a committed lock, as a stage that DVC starts finds it."""
    for folder in (tmp_path, tmp_path / "corpora" / "svhn"):
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "dvc.lock").write_text(LOCK)
        names = ("check_params", "split", "train", "swap")
        text = "".join(f"  {name}:\n    cmd: python -m stages.x\n" for name in names)
        (folder / "dvc.yaml").write_text(f"stages:\n{text}")
    for command in (("init", "-q"), ("add", "-A"), ("commit", "-qm", "x")):
        subprocess.run([*GIT, *command], cwd=tmp_path, check=True)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DVC_STAGE", "train@mine")
    monkeypatch.setattr(lock_files, "PATIENCE", 2)
    return tmp_path


def cut(lock: Path, share: float = 0.6) -> None:
    text = lock.read_text()
    lock.write_text(text[: int(share * len(text))])


def test_names_are_those_of_stages() -> None:
    assert stages(LOCK) == ["check_params", "split@mine", "train@mine", "swap@mine"]


def test_a_whole_lock_passes(project: Path) -> None:
    check_lock()
    (project / "dvc.lock").write_text(LOCK + "  more@mine:\n    cmd: x\n")
    check_lock()


def test_a_cut_lock_is_told_with_what_brings_it_back(project: Path) -> None:
    cut(project / "dvc.lock")
    with pytest.raises(
        V3Error, match=r"dvc\.lock lacks 1 stages .*swap@mine.* as if a stop"
    ) as error:
        check_lock()
    assert "`git checkout dvc.lock`" in str(error.value)
    subprocess.run(["git", "checkout", "-q", "dvc.lock"], check=True)
    check_lock()


def test_the_lock_of_the_pipeline_that_runs_is_looked_at(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cut(project / "corpora" / "svhn" / "dvc.lock", 0.3)
    check_lock()
    monkeypatch.setenv("DVC_STAGE", "corpora/svhn/dvc.yaml:svhn_crop")
    with pytest.raises(V3Error, match=r"corpora/svhn/dvc\.lock lacks 3 stages"):
        check_lock()


def test_beginning_without_a_lock_is_no_accident(project: Path) -> None:
    lock = project / "dvc.lock"
    lock.unlink()
    check_lock()  # the first stage
    lock.write_text(LOCK[: LOCK.index("  split@mine")])
    check_lock()  # the second
    lock.write_text(LOCK)
    subprocess.run([*GIT, "commit", "-qm", "y", "--allow-empty"], check=True)
    cut(lock)
    with pytest.raises(V3Error, match="lacks 1 stages"):
        check_lock()


def test_a_stage_that_the_pipeline_no_longer_has_is_not_missed(project: Path) -> None:
    pipeline = project / "dvc.yaml"
    pipeline.write_text(pipeline.read_text().replace("  swap:", "  trade:"))
    cut(project / "dvc.lock")
    check_lock()


def test_without_git_or_a_committed_lock_nothing_is_asked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DVC_STAGE", "train@mine")
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    check_lock()
