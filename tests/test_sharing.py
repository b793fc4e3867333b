"""Models pushed to and loaded from a server that speaks as the Hugging Face Hub does."""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
import yaml
from model_hub import OLD, READ, WRITE, ModelHub, serving_models
from project import ROOT

from v3.model.about import ModelInfo
from v3.model.v3 import V3
from v3.report.card import Shared, card

Ask = Callable[..., str]

# Takes orders as lines of JSON: huggingface_hub reads its address once, and starting takes seconds.
CLIENT = """
import json, os, sys, time
time.sleep = lambda seconds: None  # huggingface_hub waits ever longer before it tries again
import v3
from v3.sharing.hub import constants
for line in sys.stdin:
    order = json.loads(line)
    for name in ("HF_TOKEN", "HUGGING_FACE_HUB_TOKEN"):
        os.environ.pop(name, None)
    os.environ.update(order["env"])
    constants.HF_HUB_OFFLINE = "HF_HUB_OFFLINE" in order["env"]
    os.environ.pop("HF_HUB_OFFLINE", None)
    try:
        said = str(getattr(v3, order["do"])(*order["args"], **order["kwargs"]))
    except v3.V3Error as error:
        said = f"error: {error}"
    print(json.dumps(said), flush=True)
"""


def clean_environment(folder: Path, address: str) -> dict[str, str]:
    own = ("HF_", "HUGGING", "HTTP", "http")
    kept = {key: value for key, value in os.environ.items() if not key.startswith(own)}
    return kept | {
        "HF_ENDPOINT": address,
        "HF_HOME": str(folder / "hf"),
        "HF_HUB_DISABLE_XET": "1",
        "HF_HUB_DISABLE_PROGRESS_BARS": "1",
        "no_proxy": "*",
    }


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ask]:
    """A function that has a process call `v3.push` or `v3.load`: what it returned or said."""
    folder = tmp_path_factory.mktemp("client")
    with serving_models() as address:
        client = subprocess.Popen(
            [sys.executable, "-c", CLIENT],
            cwd=ROOT,
            env=clean_environment(folder, address),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert client.stdin
        assert client.stdout
        with client:

            def ask(do: str, *args: Any, token: str = WRITE, **kwargs: Any) -> str:
                env = kwargs.pop("env", {}) | ({"HF_TOKEN": token} if token else {})
                order = {"do": do, "args": [*map(str, args)], "kwargs": kwargs, "env": env}
                client.stdin.write(json.dumps(order) + "\n")
                client.stdin.flush()
                answer: str = json.loads(client.stdout.readline())
                return answer.replace(address, "HUB").replace(str(folder), "FOLDER")

            yield ask
            client.stdin.close()


@pytest.fixture
def hub(served: Ask) -> Ask:
    """The same with an empty Hub."""
    for kept in (ModelHub.repos, ModelHub.blobs, ModelHub.broken, ModelHub.asked):
        kept.clear()
    return served


@pytest.fixture
def model(tiny_spec: Any, tmp_path: Path) -> Path:
    """A model folder in a project that has measured it."""
    torch.manual_seed(0)
    info = ModelInfo(
        dataset="bars",
        source="drawn in the tests",
        offset=0.0,
        scale=1 / 255,
        fragment_shape=(3, 8, 8),
        variance=0.1,
    )
    folder = tmp_path / "models" / "bars"
    made = V3(tiny_spec, info)
    made.training_params = {"kind": "images"}
    made.save(folder, {"validation_error": 0.25})
    write_metrics(tmp_path, "train", {"validation_error": 0.25})
    write_metrics(tmp_path, "summary", {"purity": 0.875, "baseline_purity": 0.5})
    write_metrics(tmp_path, "codebook", {"chance_purity": 0.375})
    (tmp_path / "plots" / "bars" / "swap").mkdir(parents=True)
    (tmp_path / "plots" / "bars" / "swap" / "swap.png").write_bytes(b"a picture")
    artifact = {
        "path": "models/bars",
        "desc": "Places and colours of bars",
        "labels": ["v3", "images"],
        "meta": {"license": "cc-by-4.0", "terms": "name who drew them"},
    }
    (tmp_path / "dvc.yaml").write_text(yaml.safe_dump({"artifacts": {"bars": artifact}}), "utf-8")
    return folder


def write_metrics(project: Path, stage: str, content: dict[str, Any]) -> None:
    file = project / "metrics" / "bars" / f"{stage}.json"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps({"source": "drawn in the tests", **content}), "utf-8")


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


def test_the_chance_of_a_figure_is_that_of_the_tables() -> None:
    """Cards and the tables of README.md read it at the same place."""
    from v3.report.figures import ROWS

    spec = importlib.util.spec_from_file_location("tables", ROOT / "scripts" / "tables.py")
    assert spec
    assert spec.loader
    tables = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(tables)
    for row in ROWS:
        assert row.chance == tables.CHANCE.get(row.key, row.chance)


def test_a_card_without_measures_still_says_how_to_load(model: Path) -> None:
    about = json.loads((model / "model.json").read_text("utf-8"))
    text = card(about, {}, Shared("some/where"))
    assert 'v3.load("some/where")' in text
    assert "| figure on samples" not in text
    assert "Terms" not in text


# --- the command --------------------------------------------------------------------------------


def run_command(folder: Path, address: str, *args: str, **env: str) -> tuple[int, str, str]:
    done = subprocess.run(
        [sys.executable, "-m", "v3.command.app", "push", *args],
        cwd=ROOT,
        env=clean_environment(folder, address) | env,
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode, done.stdout, done.stderr


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
