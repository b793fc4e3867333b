"""A server on this machine that speaks as much of the Hugging Face Hub as models need."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from typing import Any, ClassVar

import yaml
from http_server import serving_by

# Tokens: one that may write below `ann/`, one that may only read, one that has expired.
WRITE, READ, OLD = "hf_write", "hf_read", "hf_old"
LARGE = (".safetensors", ".png")


@dataclass
class Repo:
    private: bool = False
    commits: list[dict[str, bytes]] = field(default_factory=lambda: [{".gitattributes": b"*"}])

    @property
    def files(self) -> dict[str, bytes]:
        return self.commits[-1]

    def oid(self, number: int = -1) -> str:
        number %= len(self.commits)
        return hashlib.sha1(f"{number}".encode()).hexdigest()

    def at(self, revision: str) -> tuple[str, dict[str, bytes]] | None:
        """Name and files of a commit."""
        if revision in ("", "main"):
            return self.oid(), self.files
        for number, files in enumerate(self.commits):
            if self.oid(number) == revision:
                return revision, files
        return None


class ModelHub(BaseHTTPRequestHandler):
    """`repos` by id, `asked` in order. `broken`: what goes wrong with paths that hold so: a status;
    html: a page to log in; gone: no answer; cut: half of one; short: a file less its last byte."""

    repos: ClassVar[dict[str, Repo]] = {}
    blobs: ClassVar[dict[str, bytes]] = {}
    asked: ClassVar[list[str]] = []
    broken: ClassVar[dict[str, int | str]] = {}

    def do_GET(self) -> None:
        self.answer()

    def do_HEAD(self) -> None:
        self.answer()

    def do_POST(self) -> None:
        self.answer()

    def do_PUT(self) -> None:
        self.answer()

    def answer(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        path = self.path.partition("?")[0]
        self.asked.append(f"{self.command} {path}")
        token = (self.headers.get("Authorization") or "").removeprefix("Bearer ")
        fault = next((self.broken[part] for part in self.broken if part in path), None)
        if fault == "html":
            self.send(200, b"<html>Please log in.</html>")
        elif fault == "gone":
            self.close_connection = True
        elif fault == "cut":
            self.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: 9000\r\n\r\n{")
        elif isinstance(fault, int):
            self.send(fault, b'{"error": "broken"}')
        elif token == OLD and not path.startswith("/blobs/"):
            message = "Invalid credentials in Authorization header"
            self.send(401, b"{}", {"X-Error-Message": message})
        elif self.command == "PUT":
            self.blobs[path.rpartition("/")[2]] = body[:-1] if fault == "short" else body
            self.send(200, b"")
        elif path == "/api/repos/create":
            self.create(json.loads(body), token)
        elif path == "/api/validate-yaml":
            self.validate(json.loads(body)["content"])
        elif found := re.match(r"/(api/models/)?([^/]+/[^/]+?)(\.git)?(/.*)?$", path):
            self.of_repo(found[2], (found[4] or "").strip("/"), body, token)
        else:
            self.send(404, b"{}")

    def create(self, asked: dict[str, Any], token: str) -> None:
        name = f"{asked['organization']}/{asked['name']}"
        if token != WRITE or asked["organization"] != "ann":
            self.send(403, b"{}", {"X-Error-Message": "You don't have the rights"})
        elif name in self.repos:
            self.send_json({"url": self.address(name)}, 409)
        else:
            self.repos[name] = Repo(asked.get("visibility") == "private")
            self.send_json({"url": self.address(name)})

    def validate(self, text: str) -> None:
        try:
            kind = type(yaml.safe_load(text.split("---\n")[1]))
        except yaml.YAMLError as error:
            self.send_json({"errors": [{"message": str(error)}]}, 400)
            return
        errors = [] if kind is dict else [{"message": "no mapping"}]
        self.send_json({"errors": errors, "warnings": []}, 400 if errors else 200)

    def of_repo(self, name: str, rest: str, body: bytes, token: str) -> None:
        repo = self.repos.get(name)
        if repo is None or (repo.private and token not in (WRITE, READ)):
            status = 404 if token else 401
            self.send(status, b"{}", {"X-Error-Code": "RepoNotFound"})
        elif rest.startswith(("preupload", "commit/", "info/lfs")) and token != WRITE:
            self.send(403, b"{}", {"X-Error-Message": "This token may only read"})
        elif rest.startswith("preupload"):
            files = [
                {
                    "path": file["path"],
                    "uploadMode": "lfs" if file["path"].endswith(LARGE) else "regular",
                    "shouldIgnore": False,
                }
                for file in json.loads(body)["files"]
            ]
            self.send_json({"files": files})
        elif rest.startswith("info/lfs"):
            self.batch(json.loads(body)["objects"])
        elif rest.startswith("commit/"):
            self.commit(name, repo, [json.loads(line) for line in body.splitlines()])
        else:
            self.show(name, repo, rest)

    def batch(self, objects: list[dict[str, Any]]) -> None:
        answers = []
        for one in objects:
            answer = {"oid": one["oid"], "size": one["size"]}
            if one["oid"] not in self.blobs:
                href = f"{self.address('blobs')}/{one['oid']}"
                answer["actions"] = {"upload": {"href": href, "header": {}}}
            answers.append(answer)
        self.send_json({"transfer": "basic", "objects": answers})

    def commit(self, name: str, repo: Repo, lines: list[dict[str, Any]]) -> None:
        files = dict(repo.files)
        for line in lines:
            value = line["value"]
            if line["key"] == "file":
                files[value["path"]] = base64.b64decode(value["content"])
            elif line["key"] == "lfsFile":
                files[value["path"]] = self.blobs[value["oid"]]
        repo.commits.append(files)
        url = f"{self.address(name)}/commit/{repo.oid()}"
        self.send_json({"success": True, "commitUrl": url, "commitOid": repo.oid()})

    def show(self, name: str, repo: Repo, rest: str) -> None:
        what, _, wanted = rest.partition("/")
        revision, _, file = wanted.partition("/")
        found = repo.at(revision)
        if found is None:
            self.send(404, b"{}", {"X-Error-Code": "RevisionNotFound"})
            return
        oid, files = found
        if what == "resolve":
            self.send_file(files, file, oid)
        elif what == "tree":
            self.send_json([entry(path, content) for path, content in files.items()])
        else:
            siblings = [{"rfilename": path} for path in files]
            info = {"id": name, "sha": oid, "private": repo.private, "siblings": siblings}
            self.send_json(info | {"tags": []})

    def send_file(self, files: dict[str, bytes], name: str, oid: str) -> None:
        if name not in files:
            self.send(404, b"", {"X-Error-Code": "EntryNotFound"})
            return
        digest = hashlib.sha256(files[name]).hexdigest()
        self.send(200, files[name], {"ETag": f'"{digest}"', "X-Repo-Commit": oid})

    def address(self, path: str) -> str:
        return f"http://{self.headers['Host']}/{path}"

    def send_json(self, content: object, status: int = 200) -> None:
        self.send(status, json.dumps(content).encode(), {"Content-Type": "application/json"})

    def send(self, status: int, content: bytes, headers: dict[str, str] | None = None) -> None:
        self.send_response(status)
        for name, value in {"Content-Length": str(len(content)), **(headers or {})}.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)

    def log_message(self, *_: object) -> None:
        """Nothing: the tests look at `asked`."""


def entry(path: str, content: bytes) -> dict[str, object]:
    """A file as the Hub lists it."""
    found: dict[str, object] = {"type": "file", "path": path, "size": len(content)}
    found["oid"] = hashlib.sha1(content).hexdigest()
    if path.endswith(LARGE):
        digest = hashlib.sha256(content).hexdigest()
        found["lfs"] = {"oid": digest, "size": len(content), "pointerSize": 134}
    return found


@contextmanager
def serving_models() -> Iterator[str]:
    """The address of a Hub without models, for as long as the block lasts."""
    ModelHub.repos, ModelHub.blobs, ModelHub.asked, ModelHub.broken = {}, {}, [], {}
    with serving_by(ModelHub) as address:
        yield address
