"""Models that the Hub refuses, loses or hides: nothing is claimed, and one sentence says why."""

from __future__ import annotations

from pathlib import Path

import pytest
from hub_client import Ask, measured_model, run_command
from model_hub import OLD, READ, WRITE, ModelHub

from v3.model.spec import Spec


@pytest.fixture
def model(tiny_spec: Spec, tmp_path: Path) -> Path:
    return measured_model(tmp_path, tiny_spec)


@pytest.mark.parametrize(
    ("repo", "token", "words"),
    [
        ("ann/x", "", "there is no token for HUB: make one that may write at HUB/settings/tokens"),
        ("ann/x", OLD, "HUB refuses the token in HF_TOKEN (401), which has expired or is wrong"),
        ("ann/x", READ, "the token in HF_TOKEN has no right to write HUB/ann/x (403): make one"),
        ("bob/x", WRITE, "or give an id that begins with your own user name"),
        ("x", WRITE, "'x' is no id of the Hub: give USER/NAME"),
        ("ann/x/y", WRITE, "'ann/x/y' is no id of the Hub: give USER/NAME"),
        ("ann/x y", WRITE, "'ann/x y' is no id of the Hub"),
        ("ann/x", "hf_ö", "HF_TOKEN holds what no token has"),
    ],
)
def test_a_push_without_the_right_is_one_sentence(
    hub: Ask, model: Path, repo: str, token: str, words: str
) -> None:
    said = hub("push", model, repo, token=token)
    assert said.startswith("error: ")
    assert words in said
    assert "\n" not in said
    assert ModelHub.repos == {}


@pytest.mark.parametrize(
    ("where", "fault", "words"),
    [
        ("/api/repos/create", 500, "HUB/ann/x refuses ("),
        ("/api/repos/create", "html", "HUB answers, but not as the Hub does"),
        ("/api/repos/create", "gone", "HUB/ann/x cannot be reached"),
        ("/api/validate-yaml", "html", "HUB answers, but not as the Hub does"),
        ("/preupload/", 503, "HUB/ann/x refuses ("),
        ("/objects/batch", 403, "the token in HF_TOKEN has no right to write HUB/ann/x (403)"),
        ("/blobs/", 500, "Error while uploading"),
        ("/blobs/", "gone", "Error while uploading"),
        ("/commit/", 500, "HUB/ann/x refuses ("),
        ("/commit/", "gone", "HUB/ann/x cannot be reached"),
        ("/commit/", "cut", "HUB/ann/x cannot be reached"),
    ],
)
def test_a_push_that_breaks_off_claims_nothing_and_can_be_run_again(
    hub: Ask, model: Path, where: str, fault: int | str, words: str
) -> None:
    ModelHub.broken = {where: fault}
    said = hub("push", model, "ann/x")
    assert said.startswith("error: ")
    assert words in said
    assert "\n" not in said
    there = ModelHub.repos.get("ann/x")
    assert there is None or set(there.files) == {".gitattributes"}
    ModelHub.broken = {}
    assert hub("push", model, "ann/x").startswith("HUB/ann/x/commit/")


def test_what_did_not_arrive_whole_is_not_claimed(hub: Ask, model: Path) -> None:
    ModelHub.broken = {"/blobs/": "short"}
    said = hub("push", model, "ann/x")
    assert said == (
        "error: model.safetensors is not at HUB/ann/x as it is here: run the same command again."
    )


def test_nothing_of_others_is_written_over(hub: Ask, model: Path) -> None:
    hub("push", model, "ann/x")
    ModelHub.repos["ann/x"].commits.append({"weights.bin": b"1", "README.md": b"mine"})
    said = hub("push", model, "ann/x")
    assert said == "error: HUB/ann/x holds weights.bin and no model of V3: take another name."
    said = hub("load", "ann/x")
    assert said == "error: HUB/ann/x has no model.json, so it is no model of V3: mend the id."


def test_what_is_to_be_private_is_not_put_where_all_see_it(hub: Ask, model: Path) -> None:
    hub("push", model, "ann/x")
    said = hub("push", model, "ann/x", private=True)
    assert said.startswith("error: HUB/ann/x is there and public: make it private")
    assert len(ModelHub.repos["ann/x"].commits) == 2


@pytest.mark.parametrize(
    ("repo", "token", "broken", "words"),
    [
        ("ann/none", "", {}, "HUB/ann/none does not exist or is private (401): mend the id"),
        ("ann/none", READ, {}, "HUB/ann/none does not exist or is private (404): mend the id"),
        ("ann/fresh", OLD, {}, "refuses the token in HF_TOKEN (401)"),
        ("ann/fresh", "", {"/ann/fresh": "gone"}, "HUB/ann/fresh cannot be reached"),
        ("ann/fresh", "", {"/ann/fresh": 500}, "HUB/ann/fresh cannot be reached"),
        ("ann/fresh", "", {"/ann/fresh": "html"}, "HUB answers, but not as the Hub does"),
        ("ann/b ars", "", {}, "'ann/b ars' is no id of the Hub"),
    ],
)
def test_a_load_that_fails_is_one_sentence(
    hub: Ask, model: Path, repo: str, token: str, broken: dict[str, int | str], words: str
) -> None:
    hub("push", model, "ann/fresh")  # which is never opened, and so in no cache
    ModelHub.broken = broken
    said = hub("load", repo, token=token)
    assert said.startswith("error: ")
    assert words in said
    assert "\n" not in said


def test_a_damaged_model_of_the_hub_names_its_copy(hub: Ask, model: Path) -> None:
    hub("push", model, "ann/cut")
    files = ModelHub.repos["ann/cut"].files
    ModelHub.repos["ann/cut"].commits.append(files | {"model.safetensors": b"no weights"})
    said = hub("load", "ann/cut")
    assert "model.safetensors is damaged" in said
    assert "delete FOLDER/hf/hub/models--ann--cut and load it again" in said
    assert "dvc" not in said


def test_a_folder_that_is_no_model_is_not_pushed(hub: Ask, model: Path, tmp_path: Path) -> None:
    assert "nowhere is no folder of a model" in hub("push", tmp_path / "nowhere", "ann/x")
    (model / "model.safetensors").write_bytes(b"half")
    assert "model.safetensors is damaged" in hub("push", model, "ann/x")
    assert ModelHub.asked == []


def test_a_command_that_fails_says_one_sentence(model: Path, tmp_path: Path) -> None:
    for env, words in (
        ({}, "error: there is no token for http://127.0.0.1:9: make one that may write"),
        ({"HF_TOKEN": WRITE}, "error: http://127.0.0.1:9/ann/bars cannot be reached"),
    ):
        code, said, wrong = run_command(
            tmp_path, "http://127.0.0.1:9", str(model), "ann/bars", **env
        )
        assert code == 1
        assert said == ""
        assert wrong.startswith(words)
        assert len(wrong.strip().splitlines()) == 1
