"""A small corpus of bars with all that a page of results shows, none of it trained or measured."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import soundfile
from bars import BY_STYLE, SOURCE, Sample, write_corpus, write_model, write_params
from PIL import Image
from stage_runs import stage

from v3.fragments.labels import LabelledFragments
from v3.model.spec import Spec
from v3.report.pictures import ALL
from v3.splits import read_split

CURVES = {
    "loss/total": 3.0,
    "loss/reconstruction": 0.5,
    "validation/error": 0.25,
    "codes/perplexity": 3.0,
    "codes/active": 3.0,
    "validation/perplexity": 2.5,
    "variability/content_fragment": 8.0,
    "variability/content_sample": 2.0,
    "variability/style_fragment": 1.0,
    "variability/style_sample": 6.0,
    "variability/style_group": 6.0,
}
METRICS: dict[str, dict[str, Any]] = {
    "summary": {"one_to_one": 0.75, "purity": 0.8, "leakage": 0.4, "baseline_purity": 0.5},
    "codebook": {"chance_one_to_one": 0.35, "chance_purity": 0.4},
    "leakage": {"content_from_decoder_style": {"accuracy": 0.4, "chance": 0.35}},
    "zero_shot": {"styles": {"c": 0.5, "d": 0.25}},
}
SECONDS = 0.25
HEARD = {
    "about": "What is lost is said.",
    "groups": [
        {"title": "One as another", "about": "", "sounds": [{"file": "a.wav", "name": "a sound"}]}
    ],
}
FIGURES_HEARD = {
    "recordings": 24,
    "fragments": 0,
    "centroid": {"share": 0.9, "chance": 0.5, "to_style": 0.1, "to_content": 0.4, "between": 0.5},
    "pitch": dict.fromkeys(("share", "chance", "to_style", "to_content", "between")),
}


def write_results(
    spec: Spec, samples: Sequence[Sample], labelled: bool = True, sounds: bool = True, **names: Any
) -> None:
    """In this folder: data, split, an untrained model, and what the other stages would leave."""
    write_corpus(Path("data/bars/fragments.h5"), samples, **names)
    write_params(BY_STYLE, train={"relativity": 5.0})
    write_model(spec)
    stage("split", "bars")
    if not labelled:
        with h5py.File("data/bars/fragments.h5", "r+") as file:
            file["content"][:] = -1
            file["style"][:] = -1
    write_curves()
    write_points(spec.atoms)
    for picture in ALL:
        place = Path("plots/bars") / picture.file
        place.parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (700, 300), "teal").save(place)
    write_metrics(METRICS if labelled else {"codebook": {"left_out": "no label is known"}})
    if sounds:
        write_sounds()


def write_curves() -> None:
    for name, value in CURVES.items():
        table = Path("plots/bars/train/live/plots/metrics", f"{name}.tsv")
        table.parent.mkdir(parents=True, exist_ok=True)
        rows = "".join(f"{step}\t{value * (1 + 10 / step)}\n" for step in (10, 20, 30))
        table.write_text(f"step\t{table.stem}\n{rows}", encoding="utf-8")


def write_points(atoms: int) -> None:
    """Every fragment of the test split in a row on both maps: the next is always to the right."""
    with LabelledFragments("data/bars/fragments.h5") as file:
        rows = file.rows_of(read_split("data/bars/split.json")["test"]).tolist()
    line = [[10.0 * place, 0.0] for place in range(len(rows))]
    corner = [[10.0 * place, 50.0] for place in range(atoms)]
    points = {"rows": rows, "content": line, "style": line, "atoms": corner}
    write_json("plots/bars/map/points.json", points)


def write_metrics(metrics: dict[str, dict[str, Any]]) -> None:
    for name, values in metrics.items():
        write_json(f"metrics/bars/{name}.json", {"source": SOURCE, **values})


def write_sounds() -> None:
    write_json("sounds/bars/index.json", HEARD)
    time = np.arange(int(8000 * SECONDS)) / 8000
    soundfile.write("sounds/bars/a.wav", 0.5 * np.sin(880 * np.pi * time), 8000)
    write_metrics({"sounds": FIGURES_HEARD})


def write_json(path: str, content: Any) -> None:
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    Path(path).write_text(json.dumps(content), encoding="utf-8")


def make_pages() -> Path:
    """Run the stages of the pages; the page of the dataset."""
    stage("report", "bars")
    stage("report_shared")
    stage("report_index")
    return Path("plots/bars/report.html")
