"""Small data shared by the tests."""

import shutil
from collections.abc import Iterator
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from dvc_reader import Reader, sections
from filelock import FileLock
from http_server import Site, serving
from hypothesis import HealthCheck, settings
from project import Project, tiny_project

from v3.fragments.format import FragmentInfo
from v3.fragments.writer import FragmentWriter
from v3.model.spec import Spec

# How long an example takes says more about the machine than about the code.
settings.register_profile("patient", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("patient")

TINY_SPEC = {
    "network": "strided",
    "layers": [
        {"channels": 8, "kernel": [4, 4], "stride": [2, 2]},
        {"channels": 8, "kernel": [4, 4], "stride": [2, 2]},
    ],
    "content_dim": 8,
    "style_dim": 8,
    "atoms": 3,
}


@pytest.fixture(autouse=True)
def _two_threads():
    torch.set_num_threads(2)


@pytest.fixture(scope="session")
def tiny_spec():
    return Spec.from_dict(TINY_SPEC)


@pytest.fixture(scope="session")
def tiny_file(tmp_path_factory):
    """24 samples of 3 to 6 fragments (3, 8, 8): a bar in one of 3 places, in one of 4 colours."""
    path = tmp_path_factory.mktemp("tiny") / "fragments.h5"
    info = FragmentInfo(
        dataset="bars",
        source="drawn in the tests",
        content_names=("left", "middle", "right"),
        style_names=("a", "b", "c", "d"),
        offset=0.0,
        scale=1 / 255,
    )
    rng = np.random.default_rng(0)
    colours = np.array([[250, 20, 20], [20, 250, 20], [20, 20, 250], [200, 200, 30]])
    with FragmentWriter(path, info, (3, 8, 8), np.uint8) as writer:
        for sample in range(24):
            content = rng.integers(3, size=3 + sample % 4)
            fragments = rng.integers(0, 20, (len(content), 3, 8, 8)).astype(np.uint8)
            for fragment, place in zip(fragments, content, strict=True):
                fragment[:, :, 3 * place : 3 * place + 2] = colours[sample % 4][:, None, None]
            writer.append(fragments, content, sample % 4, f"bars-{sample}")
    return SimpleNamespace(path=path, training=list(range(16)), validation=list(range(16, 24)))


@pytest.fixture(scope="module")
def trained(tmp_path_factory, tiny_file, tiny_spec):
    """A folder with a model of the tiny corpus, as the stage `train` leaves it; to be copied."""
    from stage_runs import train_in

    return train_in(tmp_path_factory.mktemp("stages"), tiny_file.path, tiny_spec)


@pytest.fixture(scope="module")
def evaluated(trained, tmp_path_factory):
    """A copy of it after all evaluations."""
    from stage_runs import evaluate_copy

    return evaluate_copy(trained, tmp_path_factory.mktemp("evaluated") / "project")


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    """A function that has another process push to a made-up Hub, or load from there."""
    from hub_client import asking

    with asking(tmp_path_factory.mktemp("client")) as ask:
        yield ask


@pytest.fixture
def hub(served):
    """The same with nothing on that Hub."""
    from hub_client import empty_hub

    empty_hub()
    return served


@pytest.fixture
def site() -> Iterator[Site]:
    with serving() as served:
        yield served


@pytest.fixture(scope="session")
def project(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> Project:
    """This checkout at tiny sizes, run from nothing (minutes), its results committed.

    Once for all tests, whichever process they run in: each process works in a copy. Whoever changes
    something in that puts it back, or takes a clone.
    """
    base = tmp_path_factory.getbasetemp()
    shared = (base if worker_id == "master" else base.parent) / "pipeline"
    shared.mkdir(exist_ok=True)
    with FileLock(shared / "lock"):
        if not (shared / "made").exists():
            shutil.rmtree(shared / "v3", ignore_errors=True)  # of a process that failed
            made = tiny_project(shared / "v3")
            made.dvc("repro")
            made.commit()
            (shared / "made").touch()
    copy = tmp_path_factory.mktemp("pipeline") / "v3"
    shutil.copytree(shared / "v3", copy, symlinks=True)
    return Project(copy)


@pytest.fixture(scope="session")
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
