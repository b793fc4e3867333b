"""README.md and docs/: short, with tables that are not stale, and nothing that does not work."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from dvc.utils.hydra import apply_overrides
from project import ROOT

import v3
from scripts import tables
from v3.fragments.labels import LabelledFragments
from v3.model.spec import Spec
from v3.model.v3 import ModelInfo, StyleChannel
from v3.params import load_params, parse_params
from v3.splits import make_split

README = ROOT / "README.md"
DOCUMENTS = [README, *sorted((ROOT / "docs").glob("*.md"))]
# Logs of what was tried name files and parameters of their time.
CURRENT = [file for file in DOCUMENTS if file.name != "research.md"]
FRONT_ENDS = ("raw", "components", "trunk", "level", "cepstra")
BLOCK = re.compile(r"^```(\w*)\n(.*?)^```$", re.DOTALL | re.MULTILINE)


def by_name(path: Path) -> str:
    return path.name


def blocks(file: Path, language: str) -> list[str]:
    """The blocks of code of a document that are of a language."""
    return [text for kind, text in BLOCK.findall(file.read_text("utf-8")) if kind == language]


def anchors(file: Path) -> set[str]:
    """What a link into a document can name: its headings, as they are linked to."""
    prose = BLOCK.sub("", file.read_text("utf-8"))
    titles = re.findall(r"(?m)^#+ (.*)$", prose)
    return {re.sub(r"[^\w -]", "", title.lower()).replace(" ", "-") for title in titles}


# --- shape --------------------------------------------------------------------------------------


def test_the_way_in_is_short() -> None:
    assert len(README.read_text("utf-8").splitlines()) <= 200


@pytest.mark.parametrize("file", DOCUMENTS, ids=by_name)
def test_links_lead_somewhere(file: Path) -> None:
    prose = BLOCK.sub("", file.read_text("utf-8"))
    for target in re.findall(r"\]\(([^)\s]+)\)", prose):
        if re.match(r"https?:", target):
            continue
        path, _, anchor = target.partition("#")
        linked = (file.parent / path).resolve() if path else file
        assert linked.exists(), f"{file.name} links to {target}"
        if anchor:
            assert anchor in anchors(linked), f"{file.name} links to {target}"


@pytest.mark.parametrize("file", CURRENT, ids=by_name)
def test_files_that_are_named_are_there(file: Path) -> None:
    """Paths of the code in backticks; `<name>` stands for any."""
    for name in re.findall(
        r"`((?:v3|stages|scripts|tests|docs|studies|corpora)/[^`\s]*)`", file.read_text("utf-8")
    ):
        pattern = re.sub(r"<\w+>", "*", name).rstrip("/")
        made = pattern.startswith(
            ("studies/*", "v3/corpora/tiles", "stages/tiles", "corpora/tiles")
        )
        assert made or list(ROOT.glob(pattern)), f"{file.name} names {name}"


# --- figures ------------------------------------------------------------------------------------


def test_no_table_is_stale() -> None:
    """They are what scripts/tables.py would write now: else run `make docs`."""
    script = [sys.executable, str(ROOT / "scripts" / "tables.py"), "--check"]
    done = subprocess.run(script, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_every_table_is_somewhere() -> None:
    used = [name for file in DOCUMENTS for _, name, _ in tables.MARKED.findall(file.read_text())]
    assert set(used) == set(tables.TABLES)
    marks = "".join(file.read_text() for file in DOCUMENTS)
    assert marks.count("<!-- table:") == marks.count("<!-- /table -->") == len(used)


def test_a_stale_table_is_noticed_and_renewed(tmp_path: Path) -> None:
    """Also without any figure: what was not measured is a dash."""
    for name in ("README.md", "params.yaml", "benchmarks", "docs", "scripts", "metrics", "studies"):
        copy = shutil.copytree if (ROOT / name).is_dir() else shutil.copy
        copy(ROOT / name, tmp_path / name)
    script = [sys.executable, str(tmp_path / "scripts" / "tables.py")]
    file = tmp_path / "metrics" / "phonenums" / "summary.json"
    found = json.loads(file.read_text("utf-8"))
    file.write_text(json.dumps(found | {"zero_shot": 0.12345, "purity": None}), "utf-8")
    stale = subprocess.run([*script, "--check"], capture_output=True, text=True, check=False)
    assert stale.returncode == 1
    assert "README.md" in stale.stdout
    assert "make docs" in stale.stderr
    subprocess.run(script, check=True, capture_output=True)
    row = next(
        line
        for line in (tmp_path / "README.md").read_text("utf-8").splitlines()
        if line.startswith("| PhoneNums:")
    )
    assert "pages | - / 1.000 |" in row
    assert "| 0.123 |" in row
    subprocess.run([*script, "--check"], check=True, capture_output=True)

    for folder in ("metrics", "studies"):
        shutil.rmtree(tmp_path / folder)
    subprocess.run(script, check=True, capture_output=True)
    assert re.search(
        r"^\| PhoneNums: - digits.*\| - \|", (tmp_path / "README.md").read_text(), re.M
    )


def metric_keys(value: Any, path: str = "") -> Iterator[str]:
    """Every name of a metric file down to its figures; parts that differ by run as <...>."""
    for key, item in value.items():
        shown = re.sub(r"^(samples|few_shot)_\d+$", r"\1_<k>", key)
        shown = "<style>" if path.endswith("styles.") else shown
        shown = "<attribute>" if path.endswith("attributes.") else shown
        shown = "<front end>" if key in FRONT_ENDS else shown
        shown = "<search>" if re.fullmatch(r"(content|style)_by_z_[cs]", key) else shown
        if isinstance(item, dict):
            yield from metric_keys(item, f"{path}{shown}.")
        elif path or key not in ("source", "split", "style_by"):  # words, which the text explains
            yield path + shown


def test_every_number_of_a_metric_file_is_defined() -> None:
    """docs/metrics.md against the files of all datasets, both ways."""
    text = (ROOT / "docs" / "metrics.md").read_text("utf-8")
    parts = re.split(r"(?m)^## ", text)[1:]
    defined = {
        title[1]: set(re.findall(r"`([^`]+)`", "\n".join(re.findall(r"(?m)^\| (`.*?) \|", part))))
        for part in parts
        if (title := re.match(r"`(\w+)\.json`", part))
    }
    found: dict[str, set[str]] = {}
    for file in (ROOT / "metrics").glob("*/*.json"):
        found.setdefault(file.stem, set()).update(metric_keys(json.loads(file.read_text("utf-8"))))
    assert found.keys() == defined.keys()
    for stage, names in found.items():
        assert names - defined[stage] == set(), f"{stage}.json has what is defined nowhere"
        rest = {name for name in defined[stage] - names if not re.search(r"style(s\.|_)", name)}
        assert rest == set(), f"{stage}.json has no such thing"


# --- what one may type --------------------------------------------------------------------------


def commands() -> list[Any]:
    """`dvc exp run -S ...` in blocks and in the text of every document."""
    return [
        pytest.param(re.findall(r"-S ([^\s`]+)", line), id=f"{file.name}: {line[:60]}")
        for file in CURRENT
        for line in re.findall(r"(?:dvc exp run |`)-S [^`\n#]+", file.read_text("utf-8"))
        if "banana" not in line
        and "relativty" not in line
        and "(" not in line
        and "..." not in line
    ]


@pytest.mark.parametrize("overrides", commands())
def test_parameters_that_are_set_are_there(overrides: list[str], tmp_path: Path) -> None:
    """DVC takes each, and params.yaml is right with it."""
    assert overrides
    path = tmp_path / "params.yaml"
    shutil.copy(ROOT / "params.yaml", path)
    apply_overrides(str(path), overrides)
    load_params(path)


def test_make_has_the_targets_that_are_named() -> None:
    targets = set(re.findall(r"(?m)^(\w+):", (ROOT / "Makefile").read_text("utf-8")))
    for file in CURRENT:
        named = set(re.findall(r"[`$] ?make (\w+)", file.read_text("utf-8")))
        assert named <= targets, f"{file.name}: {named - targets}"


def test_scripts_that_are_named_take_their_arguments() -> None:
    for file in CURRENT:
        for script in set(re.findall(r"python (scripts/\w+\.py)", file.read_text("utf-8"))):
            command = [sys.executable, script, "--help"]
            subprocess.run(command, cwd=ROOT, check=True, capture_output=True)


def test_the_examples_of_use_work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """README's Python, on an untrained model of PhoneNums' shape."""
    shape = (3, 48, 32)
    info = ModelInfo(
        dataset="any", source="none", offset=0.0, scale=1 / 255, fragment_shape=shape, variance=1.0
    )
    spec = Spec.from_dict(
        {
            "network": "strided",
            "layers": ["8, 8x8, 4x4", "8, 4x4, 2x2"],
            "content_dim": 8,
            "style_dim": 8,
            "atoms": 3,
        }
    )
    monkeypatch.chdir(tmp_path)
    v3.V3(spec, info, StyleChannel(pooling="neighbour")).save("models/phonenums")
    given = np.random.default_rng(0).integers(0, 255, (6, *shape)).astype(np.uint8)
    names: dict[str, Any] = {"load_yours": given.copy, "load_others": given.copy}
    for text in blocks(README, "python"):
        exec(text, names)
    assert names["swapped"].shape == names["again"].shape == given.shape
    names["model"].encode(given, np.array([0, 0, 0, 1, 1, 1]))


def test_the_sixth_corpus_works(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What docs/new_corpus.md says to type, up to the split of its samples."""
    page = ROOT / "docs" / "new_corpus.md"
    monkeypatch.chdir(tmp_path)
    for text in blocks(page, "python"):
        exec(compile(text, "tiles.py", "exec"), {"__name__": "__main__"})
    section, stage = (yaml.safe_load(text) for text in blocks(page, "yaml"))
    raw = yaml.safe_load((ROOT / "params.yaml").read_text("utf-8"))
    params = parse_params(raw | section | {"datasets": ["tiles"]}).sections["tiles"]
    split = params["split"]
    with LabelledFragments("data/tiles/fragments.h5") as file:
        height, width = (
            int(np.prod(one)) for one in zip(*params["specs"]["laptop"].strides, strict=True)
        )
        assert file.shape[1] % height == file.shape[2] % width == 0
        parts = make_split(
            file.style,
            file.info.style_names,
            seed=split.seed,
            validation=split.validation,
            test=split.test,
            unseen_styles=split.unseen_styles,
            few_shot=split.few_shot,
        )
    assert all(parts.values())
    stage = stage["stages"]["tiles"]
    assert stage["outs"] == ["data/tiles/fragments.h5"]
    for dep in stage["deps"][1:]:
        assert (ROOT / dep).exists()


def test_how_to_cite_is_whole() -> None:
    cited = yaml.safe_load((ROOT / "CITATION.cff").read_text("utf-8"))
    assert cited["license"] == "MIT"
    assert cited["cff-version"] == "1.2.0"
    paper = cited["preferred-citation"]
    assert [author["family-names"] for author in paper["authors"]] == ["Wu", "Wang", "Raj", "Xia"]
    assert "MIT License" in (ROOT / "LICENSE").read_text("utf-8")
