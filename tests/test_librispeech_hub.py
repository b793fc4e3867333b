"""Librispeech's shards from a folder mirror, from a server that speaks as the Hub, and offline."""

import hashlib
import os
import subprocess
import sys
from pathlib import Path

import pytest
from http_server import COMMIT, REPO, SHARDS, Hub, serving_folder, serving_hub

from v3.base.errors import V3Error
from v3.base.files import link_or_copy
from v3.corpora.librispeech.hub import download
from v3.corpora.librispeech.params import DownloadParams
from v3.corpora.librispeech.shards import read_index

WANTED = [
    "train_clean_100-00000-of-00002.parquet",
    "train_clean_100-00001-of-00002.parquet",
    "test_clean-00000-of-00001.parquet",
]


def wanted(revision: str, *splits: str) -> DownloadParams:
    return DownloadParams(repo=REPO, revision=revision, splits=splits)


PARAMS = wanted("main", "train_clean_100", "test_clean")
SCRIPT = """
import sys, time
time.sleep = lambda seconds: None  # huggingface_hub waits ever longer before it tries again
from v3.base.cli import run
from v3.corpora.librispeech.hub import download
from v3.corpora.librispeech.params import DownloadParams
run(lambda: download(sys.argv[1], DownloadParams(
    repo=sys.argv[2], revision=sys.argv[3], splits=tuple(sys.argv[4].split(","))
)))
"""


def mirror_with(folder: Path, names=tuple(SHARDS), revision="main") -> Path:
    base = folder / "huggingface.co/datasets" / REPO / "resolve" / revision
    for name in names:
        (base / name).parent.mkdir(parents=True, exist_ok=True)
        (base / name).write_bytes(SHARDS[name])
    return folder


@pytest.fixture
def mirror(tmp_path, monkeypatch):
    monkeypatch.setenv("V3_MIRROR", str(mirror_with(tmp_path / "mirror")))
    return tmp_path / "mirror"


def listed(raw: Path) -> list[str]:
    return [shard["name"] for shard in read_index(raw)["shards"]]


@pytest.mark.usefixtures("mirror")
def test_shards_of_a_folder_are_listed_and_copied(tmp_path):
    download(tmp_path / "raw", PARAMS)
    assert listed(tmp_path / "raw") == WANTED
    assert sorted(p.name for p in (tmp_path / "raw").iterdir()) == sorted([*WANTED, "index.json"])
    index = read_index(tmp_path / "raw")
    assert [shard["split"] for shard in index["shards"]] == ["train_clean_100"] * 2 + ["test_clean"]
    for shard in index["shards"]:
        content = SHARDS[f"data/{shard['name']}"]
        assert shard["sha256"] == hashlib.sha256(content).hexdigest()
        assert (tmp_path / "raw" / shard["name"]).stat().st_nlink == 1
    assert "mirror" in index["source"]
    assert "stand-in" not in index["source"]


def test_a_folder_may_hold_a_revision_of_its_own(tmp_path, monkeypatch):
    names = ("data/test_clean-00000-of-00001.parquet",)
    mirror_with(tmp_path / "mirror", names, COMMIT)
    monkeypatch.setenv("V3_MIRROR", str(tmp_path / "mirror"))
    download(tmp_path / "raw", wanted(COMMIT, "test_clean"))
    assert listed(tmp_path / "raw") == ["test_clean-00000-of-00001.parquet"]
    mirror_with(tmp_path / "mirror", names, "refs/pr/1")
    for revision in ("main", "f" * 40):
        with pytest.raises(V3Error, match=f"V3_MIRROR has no folder .*/{revision}/data") as caught:
            download(tmp_path / "raw", wanted(revision, "test_clean"))
        assert f"it has {COMMIT}, refs/pr/1 alone" in str(caught.value)
        assert "librispeech.download.revision" in str(caught.value)


@pytest.mark.usefixtures("mirror")
def test_a_folder_with_main_alone_does_not_stand_in_for_a_commit(tmp_path):
    with pytest.raises(V3Error, match=r"it has main alone: set librispeech\.download\.revision"):
        download(tmp_path / "raw", wanted(COMMIT, "test_clean"))
    assert not (tmp_path / "raw").exists()


def test_a_split_without_shards_or_with_too_few_is_named(tmp_path, mirror):
    with pytest.raises(V3Error, match="no shard of the split 'dev_clean'"):
        download(tmp_path / "raw", wanted("main", "dev_clean"))
    next(mirror.rglob("train_clean_100-00000*")).unlink()
    with pytest.raises(V3Error, match="1 shards of the split 'train_clean_100'"):
        download(tmp_path / "raw", PARAMS)
    assert not (tmp_path / "raw").exists()


def test_a_file_that_cannot_be_linked_is_copied(tmp_path, monkeypatch):
    def refuse(*_: object) -> None:
        raise PermissionError("links are not allowed")

    (tmp_path / "a").write_bytes(b"content")
    (tmp_path / "link").symlink_to(tmp_path / "a")
    monkeypatch.setattr(os, "link", refuse)
    link_or_copy(tmp_path / "link", tmp_path / "b")
    assert (tmp_path / "b").read_bytes() == b"content"
    assert not (tmp_path / "b").is_symlink()


@pytest.fixture
def hub():
    with serving_hub() as address:
        yield address


def run_download(folder: Path, environment: dict[str, str], *args: str):
    """In a process of its own: huggingface_hub reads its environment once, on import."""
    clean = {
        k: v
        for k, v in os.environ.items()
        if not k.startswith(("HF_", "HUGGING", "V3_", "HTTP", "http"))
    }
    clean |= {"HF_HOME": str(folder / "hf"), "HF_HUB_DISABLE_XET": "1", "no_proxy": "*"}
    arguments = args or (REPO, "main", "train_clean_100,test_clean")
    return subprocess.run(
        [sys.executable, "-c", SCRIPT, str(folder / "raw"), *arguments],
        env=clean | environment,
        capture_output=True,
        text=True,
        cwd=Path(__file__).parent.parent,
        check=False,
    )


def test_the_hub_is_asked_for_its_shards_and_the_cache_serves_offline(tmp_path, hub):
    done = run_download(tmp_path, {"HF_ENDPOINT": hub})
    assert done.returncode == 0, done.stderr
    assert listed(tmp_path / "raw") == WANTED
    assert COMMIT[:12] in read_index(tmp_path / "raw")["source"]
    fetched = {path for path in Hub.asked if path.startswith("GET") and "/resolve/" in path}
    assert {path.rsplit("/", 1)[1] for path in fetched} == set(WANTED)
    asked = len(Hub.asked)
    offline = run_download(tmp_path, {"HF_ENDPOINT": hub, "HF_HUB_OFFLINE": "1"})
    assert offline.returncode == 0, offline.stderr
    assert listed(tmp_path / "raw") == WANTED
    assert len(Hub.asked) == asked


def test_an_address_as_mirror_is_asked_as_the_hub(tmp_path, hub):
    done = run_download(tmp_path, {"V3_MIRROR": hub, "HF_ENDPOINT": "http://127.0.0.1:9"})
    assert done.returncode == 0, done.stderr
    assert listed(tmp_path / "raw") == WANTED


def test_what_the_hub_lacks_is_one_sentence(tmp_path, hub):
    for args, words in (
        ((REPO, "v9", "test_clean"), "no revision 'v9'"),
        (("nobody/nothing", "main", "test_clean"), "nobody/nothing has no revision"),
        (("no repo", "main", "test_clean"), "librispeech.download"),
        ((REPO, "main", "dev_clean"), "no shard of the split 'dev_clean'"),
    ):
        failed = run_download(tmp_path, {"HF_ENDPOINT": hub}, *args)
        assert failed.returncode == 1
        assert failed.stderr.strip().splitlines()[-1].startswith("error: ")
        assert words in failed.stderr
        assert "Traceback" not in failed.stderr
    assert not (tmp_path / "raw").exists()


def test_without_hub_or_cache_it_says_what_helps(tmp_path):
    for environment in (
        {"HF_ENDPOINT": "http://127.0.0.1:9"},
        {"HF_HUB_OFFLINE": "1"},
    ):
        failed = run_download(tmp_path, environment)
        assert failed.returncode == 1, failed.stderr
        assert "Traceback" not in failed.stderr
        assert "librispeech.source to standin" in failed.stderr


def failed_in_one_sentence(folder: Path, environment: dict[str, str], *args: str) -> str:
    """What a download that must fail says; it leaves nothing but the cache of the Hub."""
    failed = run_download(folder, environment, *args)
    assert failed.returncode == 1, failed.stderr
    assert "Traceback" not in failed.stderr
    said = failed.stderr.strip().splitlines()[-1]
    assert said.startswith("error: ")
    assert not folder.exists() or {path.name for path in folder.iterdir()} <= {"hf"}
    return said


@pytest.mark.parametrize(
    ("where", "fault", "words"),
    [
        ("", "html", "not as the Hub does"),
        ("", "lost", "not as the Hub does"),
        ("tree/main", "json", "not as the Hub does"),
        ("tree/main", 500, "gave nothing (Server error '500"),
        ("tree/main", 429, "gave nothing"),
        (WANTED[1], 500, "Server error '500"),
        (WANTED[1], 429, "429"),
        (WANTED[1], "html", "X-Repo-Commit"),
    ],
)
def test_a_hub_out_of_order_is_one_sentence(tmp_path, hub, where, fault, words):
    Hub.broken = {where: fault}
    said = failed_in_one_sentence(tmp_path, {"HF_ENDPOINT": hub})
    assert f"{hub}/datasets/{REPO}" in said
    assert words in said
    assert not list((tmp_path / "hf").rglob(WANTED[1]))


@pytest.mark.parametrize("where", ["", "tree/main", WANTED[1]])
@pytest.mark.parametrize(
    ("status", "environment", "words"),
    [
        (401, {"HF_TOKEN": "hf_old"}, "refuses the token in HF_TOKEN (401), which has expired"),
        (401, {"HF_TOKEN": "hf_old"}, "unset HF_TOKEN, for the published corpus needs none"),
        (401, {"HUGGING_FACE_HUB_TOKEN": "hf_old"}, "refuses the token in HUGGING_FACE_HUB_TOKEN"),
        (401, {}, "does not exist or is private (401): mend librispeech.download"),
        (403, {"HF_TOKEN": "hf_old"}, "refuses access with the token in HF_TOKEN (403)"),
        (403, {}, "refuses access (403"),
    ],
)
def test_a_hub_that_refuses_access(tmp_path, hub, where, status, environment, words):
    Hub.broken = {where: status}
    said = failed_in_one_sentence(tmp_path, {"HF_ENDPOINT": hub, **environment})
    assert f"{hub}/datasets/{REPO}" in said
    assert words in said
    assert "try again" not in said
    assert "hf_old" not in said


def test_a_token_in_a_file_is_named(tmp_path, hub):
    (tmp_path / "hf").mkdir()
    (tmp_path / "hf" / "token").write_text("hf_old")
    Hub.broken = {"": 401}
    said = failed_in_one_sentence(tmp_path, {"HF_ENDPOINT": hub})
    assert f"refuses the token in {tmp_path / 'hf' / 'token'} (401)" in said
    assert "`hf auth logout`" in said


def test_a_token_that_no_request_can_carry(tmp_path, hub):
    said = failed_in_one_sentence(tmp_path, {"HF_ENDPOINT": hub, "HF_TOKEN": "hf_äö"})
    assert "HF_TOKEN holds what no token has" in said


def test_a_corpus_with_terms(tmp_path, hub, monkeypatch):
    def refuse(self):
        self.send(403, b"{}", {"X-Error-Code": "GatedRepo"})

    monkeypatch.setattr(Hub, "do_GET", refuse)
    said = failed_in_one_sentence(tmp_path, {"HF_ENDPOINT": hub})
    assert f"accept its terms at {hub}/datasets/{REPO} in a browser and set HF_TOKEN" in said
    said = failed_in_one_sentence(tmp_path, {"HF_ENDPOINT": hub, "HF_TOKEN": "hf_other"})
    assert "in a browser with the account of HF_TOKEN" in said


def test_a_transfer_that_breaks_leaves_nothing_half_written(tmp_path, hub):
    Hub.broken = {WANTED[1]: "cut"}
    said = failed_in_one_sentence(tmp_path, {"HF_ENDPOINT": hub})
    assert "gave nothing" in said
    assert not list((tmp_path / "hf").rglob(WANTED[1]))
    Hub.broken = {}
    assert run_download(tmp_path, {"HF_ENDPOINT": hub}).returncode == 0
    assert listed(tmp_path / "raw") == WANTED


@pytest.mark.parametrize("lfs", [True, False])
def test_a_shard_that_is_not_what_the_hub_lists_is_refused(tmp_path, hub, monkeypatch, lfs):
    monkeypatch.setattr(Hub, "lfs", lfs)
    Hub.broken = {WANTED[1]: "other" if lfs else "short"}
    said = failed_in_one_sentence(tmp_path, {"HF_ENDPOINT": hub})
    assert f"data/{WANTED[1]}" in said
    assert "try again later" in said
    assert not list((tmp_path / "hf").rglob(WANTED[1]))  # nothing for the offline mode to take
    Hub.broken = {}
    assert run_download(tmp_path, {"HF_ENDPOINT": hub}).returncode == 0
    assert listed(tmp_path / "raw") == WANTED


def test_a_shard_that_was_damaged_in_the_cache_is_downloaded_anew(tmp_path, hub):
    assert run_download(tmp_path, {"HF_ENDPOINT": hub}).returncode == 0
    (cached,) = (tmp_path / "hf").rglob(WANTED[1])
    blob = cached.resolve()
    blob.unlink()  # the folder of shards holds a link to it
    blob.write_bytes(b"damaged")
    assert run_download(tmp_path, {"HF_ENDPOINT": hub}).returncode == 0
    assert (tmp_path / "raw" / WANTED[1]).read_bytes() == SHARDS[f"data/{WANTED[1]}"]


def test_a_mirror_without_this_corpus_is_passed_over(tmp_path, hub):
    """A folder, a plain web server, a Hub."""
    (tmp_path / "mirror").mkdir()
    with serving_folder(tmp_path / "mirror") as plain:
        for number, mirror in enumerate((str(tmp_path / "mirror"), plain, f"{hub}/other")):
            folder = tmp_path / str(number)
            done = run_download(folder, {"V3_MIRROR": mirror, "HF_ENDPOINT": hub})
            assert done.returncode == 0, done.stderr
            assert listed(folder / "raw") == WANTED
            assert COMMIT[:12] in read_index(folder / "raw")["source"]


def test_a_mirror_that_only_serves_files_is_refused(tmp_path, hub):
    mirror_with(tmp_path / "mirror")
    with serving_folder(tmp_path / "mirror") as plain:
        environment = {"V3_MIRROR": plain, "HF_ENDPOINT": hub}
        said = failed_in_one_sentence(tmp_path / "a", environment)
    assert f"{plain}/huggingface.co/datasets/{REPO}/resolve/main/data/" in said
    assert "must be a folder or speak the Hub's API" in said
    assert Hub.asked == []


def test_a_mirror_out_of_order_is_named(tmp_path, hub):
    for mirror, fault, words in (
        (hub, "html", "must be a folder or speak the Hub's API"),
        (hub, 500, "gave nothing"),
        (hub, "lost", "gave nothing"),
        ("http://127.0.0.1:9", 0, "gave nothing"),
    ):
        Hub.broken = {"": fault} if fault else {}
        said = failed_in_one_sentence(tmp_path, {"V3_MIRROR": mirror, "HF_ENDPOINT": hub})
        assert f"{mirror}/huggingface.co" in said
        assert words in said
