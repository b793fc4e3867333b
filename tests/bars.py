"""A small corpus of coloured bars, its parameters and its model, for the evaluation stages.

The models are not trained: what the stages do does not depend on how good one is.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from ruamel.yaml import YAML

from v3.base.files import write_json
from v3.base.params_file import load_section
from v3.fragments.format import FragmentInfo
from v3.fragments.writer import FragmentWriter
from v3.model.spec import Spec
from v3.model.v3 import V3, ModelInfo, StyleChannel
from v3.training.params import TrainParams

ROOT = Path(__file__).parent.parent
SHAPE = (3, 8, 8)
SOURCE = "drawn in the tests"
SECTIONS = (
    "specs",
    "train",
    "retrieval",
    "tsne",
    "few_shot",
    "leakage",
    "swap",
    "baseline",
    "bound",
)
QUICK = {
    "train": {"batch_samples": 4},
    "few_shot": {"passes": 1},
    "swap": {"swaps": 30},
    "bound": {"steps": 6},
}
Sample = tuple[int, Sequence[int], int]  # style, contents of its fragments, group
BY_STYLE = {"validation": 0.2, "test": 0.34, "unseen_styles": ["c", "d"], "few_shot": [1, 2]}


def write_corpus(
    path: Path,
    samples: Sequence[Sample],
    content_names: Sequence[str] = ("left", "middle", "right"),
    style_names: Sequence[str] = ("a", "b", "c", "d"),
    source: str = SOURCE,
) -> None:
    """Fragments (3, 8, 8): a bar in one of 3 places, each sample in its colour."""
    info = FragmentInfo(
        dataset="bars",
        source=source,
        content_names=tuple(content_names),
        style_names=tuple(style_names),
        offset=0.0,
        scale=1 / 255,
        group_names=("seen", "new"),
    )
    draw = np.random.default_rng(0)
    path.parent.mkdir(parents=True, exist_ok=True)
    with FragmentWriter(path, info, SHAPE, np.uint8) as writer:
        for row, (style, content, group) in enumerate(samples):
            fragments = draw.integers(0, 20, (len(content), *SHAPE)).astype(np.uint8)
            colour = draw.integers(80, 250, 3)[:, None, None]
            for fragment, place in zip(fragments, content, strict=True):
                fragment[:, :, 3 * (place % 3) : 3 * (place % 3) + 2] = colour
            writer.append(fragments, np.array(content), style, f"bars-{row}", group)


def write_params(split: dict[str, Any], **sections: dict[str, Any]) -> None:
    """The project's own defaults, for one corpus."""
    yaml = YAML(typ="safe", pure=True)
    params = yaml.load((ROOT / "params.yaml").read_text(encoding="utf-8"))
    section = {name: QUICK.get(name, {}) | sections.get(name, {}) for name in SECTIONS}
    content = {
        "datasets": ["bars"],
        "machine": params["machine"],
        "defaults": params["defaults"],
        "bars": {"split": {"seed": 0} | split, "spec": "laptop", **section},
        "studies": {},
    }
    with open("params.yaml", "w", encoding="utf-8") as file:
        yaml.dump(content, file)


def write_model(spec: Spec, **sizes: int) -> None:
    """A model as it is before training, and its spec."""
    torch.manual_seed(0)
    info = ModelInfo(
        dataset="bars", source=SOURCE, offset=0.0, scale=1 / 255, fragment_shape=SHAPE, variance=0.1
    )
    channel = StyleChannel(pooling="mean", noise=0.15)
    spec = Spec.from_dict(spec.to_dict() | sizes)
    write_json("data/bars/spec.json", spec.to_dict())
    model = V3(spec, info, channel)
    model.training_params = load_section("bars", "train", TrainParams).model_dump(mode="json")
    model.save("models/bars")


def write_project(spec: Spec) -> None:
    """In this folder: the ordinary corpus, parameters that split it by style, and its model."""
    write_corpus(Path("data/bars/fragments.h5"), ordinary())
    write_params(BY_STYLE)
    write_model(spec)


def ordinary(samples: int = 24, styles: int = 4, contents: int = 3) -> list[Sample]:
    """Samples of 3 to 6 fragments in so many styles and contents."""
    draw = np.random.default_rng(1)
    return [
        (row % styles, draw.integers(contents, size=3 + row % 4).tolist(), 0)
        for row in range(samples)
    ]
