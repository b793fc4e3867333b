"""What is said of `import v3`: the examples of its docstrings, its page, and its types."""

from __future__ import annotations

import doctest
import re
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from project import ROOT

import v3
import v3.api.fit
import v3.api.model


def test_examples_of_the_docstrings() -> None:
    for module in (v3.api.model, v3.api.fit):
        found = doctest.testmod(module, optionflags=doctest.ELLIPSIS)
        assert found.attempted > 3
        assert found.failed == 0


def test_the_page_of_the_api_works(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """All of its Python, with two steps of training in place of what it says."""
    monkeypatch.chdir(tmp_path)
    text = (ROOT / "docs" / "api.md").read_text(encoding="utf-8")
    code = "\n".join(re.findall(r"^```python\n(.*?)^```$", text, re.DOTALL | re.MULTILINE))
    assert code.count("steps=300") == 1
    names: dict[str, Any] = {}
    exec(code.replace("steps=300", "steps=2, progress=False"), names)
    assert names["pictures"].shape == (8, 3, 32, 32)
    assert Path("models/shapes/model.json").is_file()
    model, found = names["model"], names["found"]
    assert f"print(model)  # {repr(model).partition(', style')[0]}" in text
    for name, line in re.findall(r"found\.(\w+)  # (\([\d, ]+\))", text):
        assert str(getattr(found, name).shape) == line
    x = names["fragments"]
    refusals = [
        lambda: model.encode(x[:, :1]),
        lambda: model.encode(np.moveaxis(x[:2], 1, 3)),
        lambda: model.encode(x[:, :, :28, :28]),
        lambda: model.encode(np.linspace(0, 1, x[0].size).reshape(1, *x[0].shape)),
        lambda: model.encode(np.where(np.arange(8)[:, None, None, None] == 3, np.nan, x[:8])),
        lambda: model.decode(found.codes * 0 + 4, found.style),
    ]
    rows = re.findall(r"(?m)^\| [^|]+ \| ((?:fragments|codes)[ :][^|]*\.) \|$", text)
    for call, row in zip(refusals, rows, strict=True):
        with pytest.raises(v3.V3Error) as caught:
            call()
        assert str(caught.value) == row


def test_a_users_types_are_checked(tmp_path: Path) -> None:
    """By mypy, in a file of his own: the package says that it is typed."""
    good = tmp_path / "good.py"
    good.write_text(
        textwrap.dedent("""
            import numpy as np
            import torch
            from numpy.typing import NDArray
            from typing import Any

            import v3

            model = v3.load("models/phonenums")
            x: NDArray[Any] = np.zeros((1, 3, 8, 8))
            codes: NDArray[Any] = model.encode(x).codes
            picture: torch.Tensor = model.swap(torch.from_numpy(x), torch.from_numpy(x))
            mine: v3.Model = v3.fit(x, [0], codes=3, log=print)
        """)
    )
    bad = tmp_path / "bad.py"
    bad.write_text("import v3\nv3.fit(1, [0])\nv3.load('m').codes.shape\n")
    command = [sys.executable, "-m", "mypy", "--config-file", str(ROOT / "pyproject.toml")]
    done = subprocess.run(
        [*command, str(good), str(bad)], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert "good.py" not in done.stdout
    assert 'bad.py:2: error: Missing named argument "codes"' in done.stdout
    assert "bad.py:3: error:" in done.stdout
