"""Models pushed to and loaded from a server that speaks as the Hugging Face Hub does."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml
from hub_client import Ask, measured_model, run_command, write_metrics
from model_hub import WRITE, ModelHub, serving_models

from scripts.figures.sources import CHANCE
from v3.model.spec import Spec
from v3.model.v3 import V3
from v3.report.card import Shared, card


@pytest.fixture
def model(tiny_spec: Spec, tmp_path: Path) -> Path:
    return measured_model(tmp_path, tiny_spec)


def test_what_is_pushed_is_loaded_by_its_id(hub: Ask, model: Path) -> None:
    said = hub("push", model, "ann/bars")
    repo = ModelHub.repos["ann/bars"]
    assert said == f"HUB/ann/bars/commit/{repo.oid()}"
    assert set(repo.files) == {
        ".gitattributes",
        "README.md",
        "model.json",
        "model.safetensors",
        "swap.png",
    }
    assert repo.files["model.safetensors"] == (model / "model.safetensors").read_bytes()
    assert len(repo.commits) == 2, "one commit"
    assert not repo.private
    loaded = hub("load", "ann/bars", token="")
    assert loaded == "Model of bars: 3 codes, fragments (3, 8, 8) from 0 to 255, style of 8 numbers"
    asked = len(ModelHub.asked)
    assert hub("load", "ann/bars", token="", env={"HF_HUB_OFFLINE": "1"}) == loaded
    assert len(ModelHub.asked) == asked


def test_the_card_says_what_people_should_know(hub: Ask, model: Path) -> None:
    hub("push", model, "ann/bars")
    text = ModelHub.repos["ann/bars"].files["README.md"].decode()
    _, head, body = text.split("---\n", 2)
    assert yaml.safe_load(head) == {
        "license": "cc-by-4.0",
        "library_name": "v3",
        "tags": ["v3", "content-style", "images"],
    }
    for said in (
        "Places and colours of bars.",
        "(swap.png)",
        "- Trained on: drawn in the tests",
        "- Terms of the data: name who drew them",
        "| purity | 0.875 | 0.375 | 0.500 |",
        "| validation_error | 0.25 |",
        'v3.load("ann/bars")',
    ):
        assert said in body
    hub("push", model, "ann/bars", licence="mit", terms="none")
    body = ModelHub.repos["ann/bars"].files["README.md"].decode()
    assert "license: mit" in body
    assert "- Terms of the data: none\n" in body


def test_a_model_of_no_project_is_pushed_without_figures(
    hub: Ask, model: Path, tmp_path: Path
) -> None:
    mine = model.rename(tmp_path / "mine")
    assert hub("push", mine, "ann/mine", private=True).startswith("HUB/ann/mine/commit/")
    repo = ModelHub.repos["ann/mine"]
    assert repo.private
    assert "swap.png" not in repo.files
    text = repo.files["README.md"].decode()
    assert "not told; ask who shares this model" in text
    assert "0.875" not in text
    assert "license" not in text
    assert hub("load", "ann/mine").startswith("Model of bars")
    assert hub("push", mine, "ann/hidden", private=True).startswith("HUB/ann/hidden")
    said = hub("load", "ann/hidden", token="")  # which no cache has
    assert said.startswith("error: HUB/ann/hidden does not exist or is private (401): mend the id")


def test_pushing_again_makes_a_new_version_and_the_old_one_stays(hub: Ask, model: Path) -> None:
    first = hub("push", model, "ann/bars").rpartition("/")[2]
    assert hub("push", model, "ann/bars", message="the same").startswith("HUB/ann/bars/commit/")
    V3.load(model).save(model, {"validation_error": 0.125})
    said = hub("push", model, "ann/bars")
    assert "metrics/bars is of another training" in said
    assert "run `dvc repro`" in said
    write_metrics(model.parents[1], "train", {"validation_error": 0.125})
    hub("push", model, "ann/bars")
    old, new = (ModelHub.repos["ann/bars"].at(name) for name in (first, "main"))
    assert old
    assert new
    assert b'"validation_error": 0.25' in old[1]["model.json"]
    assert b'"validation_error": 0.125' in new[1]["model.json"]
    assert hub("load", "ann/bars", revision=first).startswith("Model of bars")
    said = hub("load", "ann/bars", revision="v9")
    assert said == (
        "error: HUB/ann/bars has no revision 'v9': mend it, or leave it out for the newest."
    )


def test_the_chance_of_a_figure_is_that_of_the_tables() -> None:
    """Cards and the tables of README.md read it at the same place."""
    from v3.report.figures import ROWS

    for row in ROWS:
        assert row.chance == CHANCE.get(row.key, row.chance)


def test_a_card_without_measures_still_says_how_to_load(model: Path) -> None:
    about = json.loads((model / "model.json").read_text("utf-8"))
    text = card(about, {}, Shared("some/where"))
    assert 'v3.load("some/where")' in text
    assert "| figure on samples" not in text
    assert "Terms" not in text


def test_the_command_says_where_the_model_is_and_how_to_open_it(
    model: Path, tmp_path: Path
) -> None:
    with serving_models() as address:
        args = (str(model), "ann/bars", "--private", "--terms", "mine")
        code, said, _ = run_command(tmp_path, address, *args, HF_TOKEN=WRITE)
        assert code == 0
        assert f"{address}/ann/bars/commit/" in said
        assert "v3.load('ann/bars')" in said
        repo = ModelHub.repos["ann/bars"]
        assert repo.private
        assert b"- Terms of the data: mine" in repo.files["README.md"]
