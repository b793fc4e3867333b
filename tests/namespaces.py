"""Small file systems that only one command sees, for the tests of what is full."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent


def in_a_namespace(line: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """A shell line that may mount what it likes; the test is skipped where that is not allowed."""
    if shutil.which("unshare") is None:
        pytest.skip("no unshare here")
    done = subprocess.run(
        ["unshare", "--map-root-user", "--mount", "sh", "-c", line],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode == 77 or "unshare failed" in done.stderr:
        pytest.skip("nothing can be mounted here")
    return done
