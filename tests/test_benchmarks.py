"""`python -m benchmarks`: every benchmark ends and writes whole results. No speed is asserted."""

from __future__ import annotations

import json
import math
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from project import ROOT, Project

from benchmarks import data, results, stages, tables
from benchmarks.clock import LENGTHS, timed
from benchmarks.corpora import kinds, write_random
from benchmarks.rows import Bench
from v3.base.errors import V3Error
from v3.fragments.labels import LabelledFragments, validate
from v3.params import load_params

# The other networks of the `paper` size are measured by the same lines, and take minutes.
LARGE = ("train/phonenums/paper", "published/phonenums")
ONLY = ["train/*/laptop", *LARGE, "embed", "retrieval", "evaluate", "data"]


def benchmarks(*args: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "benchmarks", *args]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)


def tiny_bench(only: tuple[str, ...] = ()) -> Bench:
    return Bench(
        load_params(ROOT / "params.yaml"), LENGTHS["tiny"], torch.device("cpu"), {}, {}, only
    )


@pytest.fixture(scope="module")
def measured(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The results of a tiny run of everything."""
    folder = tmp_path_factory.mktemp("results")
    done = benchmarks("--length", "tiny", "--out", str(folder), "--only", *ONLY)
    assert done.returncode == 0, done.stdout + done.stderr
    return folder / "cpu.json"


def strictly(path: Path) -> Any:
    """JSON without NaN and infinity, which are none."""

    def refuse(constant: str) -> None:
        raise AssertionError(constant)

    return json.loads(path.read_text("utf-8"), parse_constant=refuse)


def test_everything_that_is_listed_is_measured(measured: Path) -> None:
    found = strictly(measured)
    listed = benchmarks("--list").stdout.split()
    # not the other large networks, and what is too large for so short a time
    small = [name for name in listed if name.split("/")[-1] != "paper"]
    small = [name for name in small if name.split("/")[0] != "published"]
    large = ("retrieval/20000x512", "retrieval/100000x512")
    wanted = {*LARGE, *small}.difference(large)
    assert {row["name"] for row in found["measured"]} == wanted
    corpora = {name.split("/")[1] for name in listed if name.startswith("train/")}
    assert {name for name in listed if name.startswith("train/")} == {
        f"train/{corpus}/{network}" for corpus in corpora for network in ("laptop", "paper")
    }
    assert found["schema"] == results.SCHEMA
    assert found["about"]["machine"]["threads"] == 1
    assert all(value > 0 for value in found["peaks"].values())
    for row in found["measured"]:
        assert row["seconds"] > 0
        assert row["calls"] >= 1
        assert math.isclose(row["per_second"], row["items"] / row["seconds"])
        assert all(share > 0 for share in row["shares"].values())


def test_a_profile_of_every_laptop_network(measured: Path) -> None:
    profiles = strictly(measured)["profiles"]
    assert set(profiles) == {f"train/{corpus}/laptop" for corpus in data.CORPORA}
    for found in profiles.values():
        shares = [row["share"] for row in found["operators"]]
        assert shares == sorted(shares, reverse=True)
        assert 0.5 < sum(shares) <= 1
        assert any("convolution" in row["operator"] for row in found["operators"])


def test_the_operations_of_a_step_are_those_of_the_network(measured: Path) -> None:
    """At least those of both views, and of the large network far more."""
    rows = {row["name"]: row for row in strictly(measured)["measured"]}
    small, large = (rows[f"train/phonenums/{network}"] for network in ("laptop", "paper"))
    # of the published loss one view less, of the encoder
    assert large["operations"] * 0.5 < rows["published/phonenums"]["operations"]
    assert large["operations"] * 0.8 > rows["published/phonenums"]["operations"]
    assert small["items"] == large["items"] == 2 * 10
    # the second convolution alone: 64 x 32 x 4 x 4 weights at 6 x 4 places, both views, forwards
    assert small["operations"] > 20 * 2 * 2 * 64 * 32 * 4 * 4 * 6 * 4
    assert large["operations"] > 50 * small["operations"]


@pytest.mark.parametrize(
    ("args", "said"),
    [
        (["--only", "train/nothing"], "names no benchmark"),
        (["--length", "tiny", "--only", "train/svhn/laptop", "--set", "stepz=3"], "train.stepz"),
        (["--before", "no-such-commit", "--only", "evaluate/codebook"], "is no commit"),
    ],
)
def test_what_cannot_be_measured_is_one_sentence(
    args: list[str], said: str, tmp_path: Path
) -> None:
    done = benchmarks(*args, "--out", str(tmp_path))
    assert done.returncode == 1
    assert said in done.stderr
    assert "Traceback" not in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_two_commits_side_by_side(tmp_path: Path) -> None:
    """The same benchmarks of another commit, here this one, first."""
    args = ("--length", "tiny", "--only", "evaluate/codebook", "--before", "HEAD")
    done = benchmarks(*args, "--out", str(tmp_path))
    assert done.returncode == 0, done.stderr
    before, now = (strictly(tmp_path / f"{label}.json") for label in ("before", "cpu"))
    assert now["about"]["commit"].startswith(before["about"]["commit"])
    found = tables.group(tables.read(tmp_path), "evaluate")
    assert "| unit | before: a second | cpu: a second |" in found


def test_half_precision(tmp_path: Path) -> None:
    args = ("--length", "tiny", "--bf16", "--only", "train/phonenums/laptop", "--label", "half")
    done = benchmarks(*args, "--out", str(tmp_path))
    assert done.returncode == 0, done.stderr
    assert strictly(tmp_path / "half.json")["about"]["train"] == {"precision": "bfloat16"}
    assert "| training otherwise | `precision=bfloat16` |" in tables.machines(tables.read(tmp_path))


def test_other_settings_within_a_section(tmp_path: Path) -> None:
    """Numbers are numbers, and without a second view a step has less to do."""
    found = {}
    for label, weight in (("with", "1.5"), ("without", "0")):
        settings = [f"weights.{name}={weight}" for name in ("agreement", "discrimination")]
        args = ["--length", "tiny", "--only", "train/phonenums/laptop", "--label", label]
        args += [word for setting in settings for word in ("--set", setting)]
        done = benchmarks(*args, "--out", str(tmp_path))
        assert done.returncode == 0, done.stderr
        found[label] = strictly(tmp_path / f"{label}.json")
    weights = {"agreement": 1.5, "discrimination": 1.5}
    assert found["with"]["about"]["train"] == {"weights": weights}
    one, two = (found[label]["measured"][0]["operations"] for label in ("without", "with"))
    assert one < 0.8 * two
    said = tables.machines(tables.read(tmp_path))
    assert "| `weights.agreement=1.5`, `weights.discrimination=1.5` |" in said


# --- parts ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("corpus", data.CORPORA)
def test_random_fragments_are_of_the_corpus_own_kind(corpus: str, tmp_path: Path) -> None:
    bench = tiny_bench()
    kind = kinds(bench.params)[corpus]
    for step in data.CORPORA[corpus](bench, tmp_path).values():
        step()
    write_random(tmp_path / "random.h5", corpus, kind, 3, 4)
    validate(tmp_path / "random.h5")
    with (
        LabelledFragments(tmp_path / "fragments.h5") as made,
        LabelledFragments(tmp_path / "random.h5") as random,
    ):
        assert random.shape == made.shape
        assert random.dtype == made.dtype
        assert np.allclose(
            (random.source.offset, random.source.scale), (made.source.offset, made.source.scale)
        )


def test_a_round_is_many_short_calls() -> None:
    calls = []
    found = timed(lambda: calls.append(0), LENGTHS["short"])
    assert found.calls == len(calls) - LENGTHS["short"].warm > 100
    assert 0 < found.least <= found.seconds


def test_what_was_measured_otherwise_is_not_lost(tmp_path: Path) -> None:
    path = tmp_path / "cpu.json"
    about = dict.fromkeys(results.SAME, "one") | {"label": "cpu"}
    first = results.begin_or_go_on(path, about, only=True)
    results.put(first["measured"], {"name": "a", "seconds": 1})
    results.put(first["measured"], {"name": "b", "seconds": 1})
    results.save(path, first)
    again = results.begin_or_go_on(path, about, only=True)
    results.put(again["measured"], {"name": "a", "seconds": 2})
    assert again["measured"] == [{"name": "a", "seconds": 2}, {"name": "b", "seconds": 1}]
    with pytest.raises(V3Error, match=r"measured with another commit .*--label"):
        results.begin_or_go_on(path, about | {"commit": "two"}, only=True)
    assert results.begin_or_go_on(path, about | {"commit": "two"}, only=False)["measured"] == []


def test_stages_of_a_pipeline_one_by_one(tmp_path: Path) -> None:
    """In a clone, so that they run however much was made before; the checkout stays as it is."""
    made = Project(tmp_path / "made")
    made.folder.mkdir()
    (made.folder / "dvc.yaml").write_text(
        "stages:\n"
        "  second: {cmd: cp one two, deps: [one], outs: [two]}\n"
        "  first: {cmd: echo 1 > one, outs: [one]}\n"
    )
    made.git("init", "-q", "-b", "main")
    made.dvc("init")
    made.dvc("repro")
    made.commit()
    before = made.digests()
    clone = stages.clone(made.folder, tmp_path / "clone")
    (clone / "aside").mkdir()
    (clone / "aside" / "dvc.yaml").write_text(
        "stages: {third: {cmd: echo 3 > three, outs: [three]}}"
    )
    assert stages.stages(clone, ["first"]) == ["first"]
    rows = list(stages.measure(clone, [], threads=1))
    assert [row["name"] for row in rows] == ["first", "second"]
    assert all(row["seconds"] > 0 and row["idle"] > 0 for row in rows)
    assert (clone / "two").read_text() == "1\n"
    assert made.digests() == before
    with pytest.raises(V3Error, match="no such"):
        stages.stages(clone, ["no such"])


def test_tables_of_two_runs(measured: Path, tmp_path: Path) -> None:
    """What one of them lacks is a dash; `before` stands first."""
    found = strictly(measured)
    (tmp_path / "cpu.json").write_text(json.dumps(found))
    found["about"] = found["about"] | {"label": "before", "commit": "abc"}
    found["measured"] = [
        row | {"per_second": 1234.5} for row in found["measured"] if "svhn" not in row["name"]
    ]
    found["stages"] = [{"name": "train@svhn", "seconds": 3.0, "cpu_seconds": 2.0, "idle": 0.5}]
    (tmp_path / "second.json").write_text(json.dumps(found))
    made = tables.tables(tmp_path)
    assert made["bench-machines"].splitlines()[0] == "|  | before | cpu |"
    lines = made["bench-train"].splitlines()
    assert any("`train/phonenums/laptop` | fragments | 1,234 (" in line for line in lines)
    assert any("`train/svhn/laptop` | fragments | - | " in line for line in lines)
    assert "| all | 3.0 (2.0; 0.5) |" in made["bench-repro"]
    assert "| `train/svhn/laptop` | cpu | " in made["bench-profiles"]
    assert all("Not measured" in text for text in tables.tables(tmp_path / "none").values())
