"""What is installed is what is pinned, and the scripts that install it are sound."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from importlib.metadata import packages_distributions, version
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
OURS = {"v3", "stages", "tests"}
# Programs rather than imports, or a plug-in of one that is imported.
RUN = {"ruff", "mypy", "pytest"}


def canonical(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def wanted() -> dict[str, str]:
    """requirements.in: package -> what follows its name."""
    lines = (ROOT / "requirements.in").read_text(encoding="utf-8").splitlines()
    found = [re.fullmatch(r"([\w.-]+)(.*)", line) for line in lines if line and line[0] != "#"]
    return {canonical(match[1]): match[2] for match in found if match}


def pinned() -> dict[str, tuple[str, str]]:
    """requirements.txt: package -> version, marker."""
    lines = (ROOT / "requirements.txt").read_text(encoding="utf-8").splitlines()
    found: dict[str, tuple[str, str]] = {}
    for line in lines:
        if line and not line.startswith("#"):
            match = re.fullmatch(r"([\w.-]+)==([\w.!]+)(?:\s*;\s*(.+))?", line)
            assert match, f"not pinned to one version that every platform has: {line}"
            assert canonical(match[1]) not in found, f"pinned twice: {line}"
            found[canonical(match[1])] = (match[2], match[3] or "")
    return found


def imported() -> set[str]:
    """Top-level names of all imports of other people's packages."""
    names = set()
    for folder in OURS:
        for file in (ROOT / folder).rglob("*.py"):
            for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
                if isinstance(node, ast.Import):
                    names |= {alias.name.split(".")[0] for alias in node.names}
                elif isinstance(node, ast.ImportFrom) and node.module:
                    names.add(node.module.split(".")[0])
    return names - OURS - set(sys.stdlib_module_names)


def test_every_import_is_asked_for_and_the_other_way_round() -> None:
    providers = packages_distributions()
    needed = set()
    for name in imported():
        packages = {canonical(package) for package in providers.get(name, [])}
        # ruamel is a namespace that several packages may share
        assert packages & set(wanted()), f"import {name}: not in requirements.in"
        needed |= packages & set(wanted())
    assert set(wanted()) - needed - RUN == {"dvclive"} - needed


def test_clean_install() -> None:
    """`make test` installed from the lock: all that is asked for is pinned, and it is what runs."""
    pins = pinned()
    for name, rest in wanted().items():
        assert name in pins
        assert rest in ("", f"=={pins[name][0]}")
        assert version(name).split("+")[0] == pins[name][0], "run `make test`, which installs it"


def test_torch_is_the_one_that_figures_were_made_with() -> None:
    assert pinned()["torch"][0] == "2.13.0"


@pytest.mark.parametrize(
    "script", [*sorted((ROOT / "scripts").glob("*.sh")), ROOT / ".ci" / "run"], ids=lambda p: p.name
)
def test_scripts_are_sound(script: Path) -> None:
    subprocess.run(["bash", "-n", str(script)], check=True)
    text = script.read_text(encoding="utf-8")
    assert text.startswith("#!/usr/bin/env bash\n")
    assert "set -euo pipefail" in text
    assert script.stat().st_mode & 0o111, "must be executable"


def test_make_knows_its_targets() -> None:
    for target in ("repro", "studies", "test", "lint", "format"):
        done = subprocess.run(
            ["make", "--dry-run", target], cwd=ROOT, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr


def test_no_python_3_11_is_one_sentence(tmp_path: Path) -> None:
    """With nothing but a shell's own tools on PATH."""
    for tool in ("bash", "dirname", "env"):
        (tmp_path / tool).symlink_to(Path("/usr/bin") / tool)
    done = subprocess.run(
        ["/usr/bin/env", "bash", str(ROOT / "scripts" / "environment.sh")],
        env={"PATH": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert done.stderr.startswith("error: Python 3.11 is needed")
    assert done.stderr.count("\n") == 1


def test_no_fluidsynth_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "bash").symlink_to("/usr/bin/bash")
    done = subprocess.run(
        ["/usr/bin/env", "bash", str(ROOT / "scripts" / "fluidsynth.sh")],
        env={"PATH": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert done.stderr.startswith("error: FluidSynth")
    assert done.stderr.count("\n") == 1
