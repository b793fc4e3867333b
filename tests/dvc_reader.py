"""Somebody who types what docs/dvc.md says, and compares what it prints with the page."""

from __future__ import annotations

import re
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

from project import ROOT, Project

PAGE = ROOT / "docs" / "dvc.md"
DATASET = "phonenums"


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
