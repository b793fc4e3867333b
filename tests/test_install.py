"""What a fresh machine installs: complete, pinned once, and what the code really imports."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from importlib import metadata
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parent.parent
SHELL = [*sorted((ROOT / "scripts").glob("*.sh")), ROOT / ".ci" / "run"]
OWN = {"v3", "stages", "studies", "tests"} | {file.stem for file in (ROOT / "tests").glob("*.py")}


def requirements(name: str) -> list[Requirement]:
    lines = (ROOT / name).read_text(encoding="utf-8").splitlines()
    return [Requirement(text) for line in lines if (text := re.sub(r"(^|\s)#.*", "", line).strip())]


DIRECT = {canonicalize_name(found.name): found for found in requirements("requirements.in")}
LOCK = {canonicalize_name(found.name): found for found in requirements("requirements.txt")}


def third_party_imports() -> dict[str, str]:
    """Top-level modules imported in v3, stages and tests, each with a file that does."""
    found = {}
    for folder in ("v3", "stages", "tests"):
        for file in sorted((ROOT / folder).rglob("*.py")):
            for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
                if isinstance(node, ast.Import):
                    names = [alias.name for alias in node.names]
                elif isinstance(node, ast.ImportFrom):
                    names = [node.module or ""]
                else:
                    continue
                found |= {name.split(".")[0]: str(file.relative_to(ROOT)) for name in names}
    return {n: f for n, f in found.items() if n not in sys.stdlib_module_names and n not in OWN}


def test_every_import_is_asked_for() -> None:
    owners = metadata.packages_distributions()
    for module, file in third_party_imports().items():
        packages = {canonicalize_name(name) for name in owners.get(module, [module])}
        assert packages & DIRECT.keys(), f"{file} imports {module}: not in requirements.in"


def test_every_requirement_has_a_reason_and_is_pinned() -> None:
    for line in (ROOT / "requirements.in").read_text(encoding="utf-8").splitlines():
        assert re.match(r"#|$|[\w.=-]+ +# \w", line), f"requirements.in: no reason in {line!r}"
    assert DIRECT.keys() <= LOCK.keys()
    assert len(requirements("requirements.txt")) == len(LOCK), "a package is pinned twice"
    for pinned in LOCK.values():
        # No local version (+cpu): no public registry has one.
        assert re.fullmatch(r"==[\w.]+", str(pinned.specifier)), f"{pinned} is not one version"
    assert str(LOCK["torch"].specifier) == str(DIRECT["torch"].specifier) == "==2.13.0"
    assert not {"torchvision", "torchaudio"} & LOCK.keys()


def test_clean_install() -> None:
    """This environment is what requirements.txt says, and that names all that its packages need."""
    for name, pinned in LOCK.items():
        if pinned.marker is not None and not pinned.marker.evaluate():
            continue
        installed = metadata.version(name)
        assert pinned.specifier.contains(installed, prereleases=True), (
            f"{pinned} is not what is installed ({installed}): run make environment"
        )
        if name == "torch":  # which packages of CUDA it brings depends on the build
            continue
        for text in metadata.requires(name) or []:
            needed = Requirement(text)
            if needed.marker is None or needed.marker.evaluate({"extra": ""}):
                assert canonicalize_name(needed.name) in LOCK, f"{name} needs {needed}: not pinned"


@pytest.mark.parametrize("script", SHELL, ids=lambda path: path.name)
def test_shell_scripts_parse_and_can_be_run(script: Path) -> None:
    subprocess.run(["bash", "-n", script], check=True)
    assert script.stat().st_mode & 0o111, f"{script} cannot be executed"
    assert "set -euo pipefail" in script.read_text(encoding="utf-8")


def test_a_checkout_has_the_same_bytes_whatever_git_is_set_to(tmp_path: Path) -> None:
    """With `core.autocrlf=true` scripts would not run, and every digest would be another."""
    git = ["git", "-C", str(ROOT), "-c", "core.autocrlf=true", "-c", "core.eol=crlf"]
    listed = subprocess.run([*git, "ls-files", "-s"], capture_output=True, text=True, check=False)
    if listed.returncode:
        pytest.skip("no checkout of git's")
    subprocess.run([*git, "checkout-index", "--all", f"--prefix={tmp_path}/"], check=True)
    entries = [line.split(maxsplit=3) for line in listed.stdout.splitlines()]
    names = "".join(f"{tmp_path / name}\n" for _, _, _, name in entries)
    hashed = subprocess.run(
        [*git, "hash-object", "--no-filters", "--stdin-paths"],
        input=names,
        capture_output=True,
        text=True,
        check=True,
    ).stdout.split()
    assert [
        name for (_, blob, _, name), own in zip(entries, hashed, strict=True) if blob != own
    ] == []
