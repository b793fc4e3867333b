"""Librispeech's shards from a folder mirror, from a server that speaks as the Hub, and offline."""

import hashlib
import json
import os
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from v3.corpora.librispeech_hub import download, link_or_copy
from v3.corpora.librispeech_params import DownloadParams
from v3.corpora.librispeech_shards import read_index
from v3.errors import V3Error

REPO = "gilkeyio/librispeech-alignments"
COMMIT = "0123456789abcdef0123456789abcdef01234567"
SHARDS = {
    "data/train_clean_100-00000-of-00002.parquet": b"first" * 100,
    "data/train_clean_100-00001-of-00002.parquet": b"second" * 100,
    "data/train_clean_360-00000-of-00001.parquet": b"not wanted",
    "data/test_clean-00000-of-00001.parquet": b"test" * 100,
    "README.md": b"read me",
}
WANTED = [
    "train_clean_100-00000-of-00002.parquet",
    "train_clean_100-00001-of-00002.parquet",
    "test_clean-00000-of-00001.parquet",
]
PARAMS = DownloadParams(REPO, "main", ("train_clean_100", "test_clean"))
SCRIPT = """
import sys, time
time.sleep = lambda seconds: None  # huggingface_hub waits ever longer before it tries again
from v3.cli import run
from v3.corpora.librispeech_hub import download
from v3.corpora.librispeech_params import DownloadParams
run(lambda: download(sys.argv[1], DownloadParams(*sys.argv[2:4], tuple(sys.argv[4].split(",")))))
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
    download(tmp_path / "raw", DownloadParams(REPO, COMMIT, ("test_clean",)))
    assert listed(tmp_path / "raw") == ["test_clean-00000-of-00001.parquet"]
    with pytest.raises(V3Error, match="V3_MIRROR has no folder"):
        download(tmp_path / "raw", DownloadParams(REPO, "main", ("test_clean",)))


@pytest.mark.usefixtures("mirror")
def test_a_pinned_revision_is_not_replaced_by_main(tmp_path):
    with pytest.raises(V3Error, match=r"no revision '0123.*librispeech\.download\.revision"):
        download(tmp_path / "raw", DownloadParams(REPO, COMMIT, ("test_clean",)))
    assert not (tmp_path / "raw").exists()


def test_a_split_without_shards_or_with_too_few_is_named(tmp_path, mirror):
    with pytest.raises(V3Error, match="no shard of the split 'dev_clean'"):
        download(tmp_path / "raw", DownloadParams(REPO, "main", ("dev_clean",)))
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


class Hub(BaseHTTPRequestHandler):
    """As much of the Hub as `huggingface_hub` asks for; `asked` lists the paths."""

    asked: list[str] = []  # noqa: RUF012
    broken: dict[str, str] = {}  # noqa: RUF012 (how, by name of a shard)
    portal = False  # answers every question with a page to log in

    def do_HEAD(self) -> None:
        self.do_GET()

    def do_GET(self) -> None:
        path = self.path.partition("?")[0].removeprefix("/huggingface.co")
        self.asked.append(f"{self.command} {path}")
        base = f"/datasets/{REPO}/resolve/"
        if path.startswith(f"/api/datasets/{REPO}"):
            self.answer_api(path)
        elif path.startswith(base):
            revision, _, name = path.removeprefix(base).partition("/")
            if self.broken.get(name) in ("500", "429"):
                self.send(int(self.broken[name]), b"", {})
            elif revision in ("main", COMMIT) and name in SHARDS:
                digest = hashlib.sha256(SHARDS[name]).hexdigest()
                wrong = self.broken.get(name) == "other bytes"
                content = SHARDS[name][::-1] if wrong else SHARDS[name]
                self.send(200, content, {"ETag": f'"{digest}"', "X-Repo-Commit": COMMIT})
            else:
                self.send(404, b"", {"X-Error-Code": "EntryNotFound"})
        else:
            self.send(404, b"", {"X-Error-Code": "RepoNotFound"})

    def answer_api(self, path: str) -> None:
        if self.portal:
            self.send(200, b"<html>Please log in</html>", {})
            return
        rest = path.removeprefix(f"/api/datasets/{REPO}").strip("/").split("/")
        if rest[-1] not in ("", "main", COMMIT):
            self.send(404, b"{}", {"X-Error-Code": "RevisionNotFound"})
        elif rest[0] == "tree":
            tree = [
                {
                    **{"type": "file", "path": name, "size": len(content), "oid": "0" * 40},
                    "lfs": {
                        "oid": hashlib.sha256(content).hexdigest(),
                        "size": len(content),
                        "pointerSize": 134,
                    },
                }
                for name, content in SHARDS.items()
            ]
            self.send(200, json.dumps(tree).encode(), {})
        else:
            siblings = [{"rfilename": name} for name in SHARDS]
            info = {"id": REPO, "sha": COMMIT, "siblings": siblings, "tags": [], "private": False}
            self.send(200, json.dumps(info).encode(), {})

    def send(self, status: int, content: bytes, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(content)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def hub():
    Hub.asked, Hub.broken, Hub.portal = [], {}, False
    server = ThreadingHTTPServer(("127.0.0.1", 0), Hub)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    server.server_close()


def run_download(folder: Path, environment: dict[str, str], *args: str):
    """In a process of its own: huggingface_hub reads its environment once, on import."""
    clean = {
        k: v for k, v in os.environ.items() if not k.startswith(("HF_", "V3_", "HTTP", "http"))
    }
    clean |= {"HF_HOME": str(folder / "hf"), "HF_HUB_DISABLE_XET": "1", "no_proxy": "*"}
    arguments = args or (REPO, "main", "train_clean_100,test_clean")
    return subprocess.run(
        [sys.executable, "-c", SCRIPT, str(folder / "raw"), *arguments],
        env=clean | environment,
        capture_output=True,
        text=True,
        timeout=120,
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


@pytest.mark.parametrize(
    ("how", "words"),
    [
        ("500", "cannot be had"),
        ("429", "cannot be had"),
        ("other bytes", "is not what the Hub lists, its sha256 differs"),
    ],
)
def test_a_shard_that_cannot_be_had_is_one_sentence(tmp_path, hub, how, words):
    Hub.broken = {f"data/{WANTED[1]}": how}
    failed = run_download(tmp_path, {"HF_ENDPOINT": hub})
    assert failed.returncode == 1, failed.stderr
    assert words in failed.stderr.strip().splitlines()[-1]
    assert "Traceback" not in failed.stderr
    assert not (tmp_path / "raw").exists()
    assert [p.name for p in tmp_path.iterdir()] == ["hf"]


def test_a_page_to_log_in_is_no_answer_of_the_hub(tmp_path, hub):
    Hub.portal = True
    failed = run_download(tmp_path, {"HF_ENDPOINT": hub})
    assert failed.returncode == 1, failed.stderr
    assert "gave nothing" in failed.stderr.strip().splitlines()[-1]
    assert "Traceback" not in failed.stderr


def test_without_hub_or_cache_it_says_what_helps(tmp_path):
    for environment in (
        {"HF_ENDPOINT": "http://127.0.0.1:9"},
        {"HF_HUB_OFFLINE": "1"},
    ):
        failed = run_download(tmp_path, environment)
        assert failed.returncode == 1, failed.stderr
        assert "Traceback" not in failed.stderr
        assert "librispeech.source to sample" in failed.stderr
