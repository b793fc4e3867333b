"""Models that a process pushes to a made-up Hub and loads from there, by Python and by command."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
import yaml
from model_hub import WRITE, ModelHub, serving_models
from project import ROOT

from v3.model.about import ModelInfo
from v3.model.spec import Spec
from v3.model.v3 import V3

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


@contextmanager
def asking(folder: Path) -> Iterator[Ask]:
    """A function that has a process call `v3.push` or `v3.load`: what it returned or said."""
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


def empty_hub() -> None:
    for kept in (ModelHub.repos, ModelHub.blobs, ModelHub.broken, ModelHub.asked):
        kept.clear()


def measured_model(project: Path, spec: Spec) -> Path:
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
    folder = project / "models" / "bars"
    made = V3(spec, info)
    made.training_params = {"kind": "images"}
    made.save(folder, {"validation_error": 0.25})
    write_metrics(project, "train", {"validation_error": 0.25})
    write_metrics(project, "summary", {"purity": 0.875, "baseline_purity": 0.5})
    write_metrics(project, "codebook", {"chance_purity": 0.375})
    (project / "plots" / "bars" / "swap").mkdir(parents=True)
    (project / "plots" / "bars" / "swap" / "swap.png").write_bytes(b"a picture")
    artifact = {
        "path": "models/bars",
        "desc": "Places and colours of bars",
        "labels": ["v3", "images"],
        "meta": {"license": "cc-by-4.0", "terms": "name who drew them"},
    }
    (project / "dvc.yaml").write_text(yaml.safe_dump({"artifacts": {"bars": artifact}}), "utf-8")
    return folder


def write_metrics(project: Path, stage: str, content: dict[str, Any]) -> None:
    file = project / "metrics" / "bars" / f"{stage}.json"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps({"source": "drawn in the tests", **content}), "utf-8")


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
