"""A dataset's page: what its template wants, gathered from model, data, metrics and parameters."""

from __future__ import annotations

from collections.abc import Mapping
from os.path import relpath
from pathlib import Path
from typing import Any

import numpy as np

from v3.base.files import read_json
from v3.base.params_file import read_params_file
from v3.evaluation.codebook import diagonal_order
from v3.evaluation.opened import Opened
from v3.model.stored import ABOUT
from v3.plots.history import read_history
from v3.report import charts, pictures
from v3.report.closest import ALIKE, nearness
from v3.report.contents import Contents, training
from v3.report.differences import differences, own_parameters
from v3.report.figures import all_figures, by_style, figures, left_out, read_all_metrics
from v3.report.page import DATA, write_data
from v3.report.sounds import sounds

SECTIONS = {
    "figures": "Figures",
    "map": "Map",
    "codes": "Codes",
    "swaps": "Swaps",
    "mistakes": "Mistakes",
    "sounds": "Sounds",
    "training": "Training",
    "data": "The data",
    "made": "How it was made",
}
Values = dict[str, Any]


def page_values(opened: Opened, folder: Path) -> Values:
    """All that report.html.j2 asks for; what its script draws is written into `folder`.

    The folder has the name under which the page, which lies beside it, links it in the end.
    """
    paths, model, linked = opened.paths, opened.model, opened.paths.plots("report").name
    test = opened.embed("test")
    near = nearness(test.z_c, model.quantizer.atoms.cpu().numpy(), model.spec.distance)
    contents = Contents(opened, test, near, folder)
    history = read_history(paths.plots("train") / "live" / "plots" / "metrics")
    metrics, raw = read_all_metrics(paths), read_params_file()
    points = read_json(paths.plots("map") / "points.json")
    rows = np.asarray(points["rows"], np.int64)
    maps = contents.map(rows, linked)
    drawings = charts.curves(history, model.training_params.get("relativity"))
    for name, atoms in (("content", points["atoms"]), ("style", [])):
        places = np.asarray(points[name], np.float64)
        drawings[f"map_{name}"] = charts.embedding_map(places, np.asarray(atoms, np.float64))
    if contents.labelled:
        order = diagonal_order(contents.counts)
        drawings["confusion"] = charts.confusion(contents.counts, order, opened.info.content_names)
    write_data(folder / DATA, {"charts": drawings, "map": maps})

    drawn = pictures.drawn(paths.plots(""))
    folder_of_sounds = paths.run / "sounds" / paths.dataset
    heard = sounds(folder_of_sounds, paths.plots(""), metrics.get("sounds", {}))
    there = {"mistakes": contents.labelled, "sounds": bool(heard["groups"])}
    size = sum(parameter.numel() for parameter in model.parameters())
    # of these, without labels, no more is to be seen than is said under the figures
    if "left_out" in metrics.get("few_shot", {}):
        drawn["few_shot"] = None
    if not contents.labelled:
        drawn["contents_by_styles"] = None
        if (test.style_label < 0).all():
            drawn["precision_recall"] = None
    learnt = training(read_json(paths.model / ABOUT), size, charts.last_ratios(history))
    return {
        "dataset": paths.dataset,
        "folder": linked,
        "sections": [(key, title) for key, title in SECTIONS.items() if there.get(key, True)],
        "pictures": drawn,
        "figures": figures(metrics),
        "best_input": metrics.get("baseline", {}).get("best"),
        "styles": by_style(metrics),
        "numbers": all_figures(metrics),
        "left_out": left_out(metrics),
        "map": {"count": f"{len(rows):,}", "kinds": list(maps["colourings"])},
        "codes": contents.codes(),
        "tables": relpath(paths.data / "codes", paths.plots("")),  # what the stage `codes` wrote
        "mistakes": contents.mistakes(),
        "alike": ALIKE,
        "sounds": heard,
        "training": learnt | {"pictures": _some(drawn, "precision_recall", "few_shot")},
        "data": contents.data() | {"pictures": _some(drawn, "samples", "contents_by_styles")},
        "parameters": differences(raw, paths.dataset),
        "own": own_parameters(raw, paths.dataset),
        "commands": commands(raw, paths.dataset),
    }


def commands(raw: Mapping[str, Any], dataset: str) -> list[tuple[str, str]]:
    """What made the page, and what would make another: commands, each with a word on it."""
    listed = dataset in raw.get("datasets", ())
    file = f"corpora/{dataset}/dvc.yaml"  # of a dataset that stands alone, its whole pipeline
    plus = "" if "relativity" in (raw[dataset].get("train") or {}) else "+"
    trial = f"dvc exp run -S {plus}{dataset}.train.relativity=5"
    return [
        (f"dvc repro report@{dataset}" if listed else f"dvc repro {file}", "all that is here"),
        (trial if listed else f"{trial} {file}", "with another value of a parameter"),
        ("dvc metrics diff", "what it changed"),
    ]


def _some(drawn: Mapping[str, pictures.Picture | None], *names: str) -> list[pictures.Picture]:
    return [picture for name in names if (picture := drawn[name])]
