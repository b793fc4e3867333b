"""What stands in the sections of a dataset's page, as plain values for its template."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from v3.evaluation.codebook import confusion, diagonal_order
from v3.evaluation.common import names_of
from v3.evaluation.embedding import Embeddings
from v3.evaluation.opened import Opened
from v3.plots.canvas import Array
from v3.plots.grids import limits
from v3.report.charts import label_colours
from v3.report.closest import Mistake, nearest_of_codes, worst_mistakes
from v3.report.thumbs import IMAGES, Sheet, write_sheet

LISTED = 300  # characters of names in a row
SHOWN = 24  # mistakes
NEAREST = 6  # fragments of a code
CODES = 120  # that are listed
SPAN = 500  # fragments, at most, that say what is darkest and brightest
TILE, STRIP = 96, 48  # pixels, or more, of a mistake as it is shown, and of a fragment of a code
Values = dict[str, Any]


class Contents:
    """The parts of a page of one model, its test split being embedded.

    `folder` is where its pictures go. near: (N, K), the nearer the atom the higher.
    """

    def __init__(self, opened: Opened, test: Embeddings, near: Array, folder: Path) -> None:
        self.opened, self.test, self.near, self.folder = opened, test, near, folder
        self.info, self.file = opened.info, opened.file
        self.kind = str(opened.model.training_params.get("kind", IMAGES))
        self.labelled = bool((test.content_label >= 0).any())
        spread = np.linspace(0, len(test.rows) - 1, min(SPAN, len(test.rows))).astype(int)
        self.span = limits(self.file.read(test.rows[spread]))
        atoms, labels = opened.sizes
        self.counts = confusion(test.codes, test.content_label, atoms, max(1, labels))
        known = self.counts.any(1) & self.labelled
        self.stands_for = np.where(known, self.counts.argmax(1), -1)

    def data(self) -> Values:
        """What the data is and where it comes from."""
        file, info = self.file, self.info
        channels, height, width = file.shape
        size = f"{height} × {width}"
        what = "picture" if self.kind == IMAGES else "spectrogram"
        of = "colour" if channels == 3 else "grey" if channels == 1 else f"{channels} channels"
        shape = f"a {what} of {size}, {of}" if self.kind == IMAGES else f"a {what} of {size}"
        lengths = np.diff(file.starts)
        each = _between(int(lengths.min()), int(lengths.max()))
        return {
            "labelled": self.labelled,
            "source": info.source,
            "shape": f"{shape} ({file.dtype.name})",
            "contents": len(np.unique(self.test.content_label[self.test.content_label >= 0])),
            "content_names": _listed(info.content_names) if self.labelled else "unknown",
            "style_names": _listed(info.style_names) if (file.style >= 0).any() else "unknown",
            "parts": [self._part(name, rows) for name, rows in self.opened.split.items()],
            "sentence": (
                f"{len(file):,} fragments in {file.samples:,} samples of {each}, each {shape}; "
                f"{_end(info.source)}"
            ),
        }

    def _part(self, name: str, samples: Sequence[int]) -> Values:
        styles = self.file.style[np.asarray(samples, np.int64)]
        return {
            "name": name.replace("_", " "),
            "samples": f"{len(samples):,}",
            "fragments": f"{len(self.file.rows_of(samples)):,}" if samples else "0",
            "styles": f"{len(np.unique(styles[styles >= 0])):,}",
        }

    def codes(self) -> Values:
        """What each code stands for, by the fragments nearest to it; writes their sheet."""
        test, atoms = self.test, len(self.counts)
        usage = np.bincount(test.codes, minlength=atoms)
        order = diagonal_order(self.counts) if self.labelled else np.argsort(-usage, kind="stable")
        active = [int(code) for code in order if usage[code]]
        nearest = nearest_of_codes(self.near, test.codes, test.sample, NEAREST)
        rows = np.full((max(1, len(active[:CODES])), NEAREST), test.rows[0])
        listed = []
        for place, code in enumerate(active[:CODES]):
            mine = test.rows[nearest[code]]
            rows[place] = np.resize(mine, NEAREST)
            listed.append(self._code(code, len(mine), int(usage[code])))
        sheet = self._sheet("codes.webp", rows.ravel(), NEAREST)
        shares = usage[usage > 0] / usage.sum()
        return {
            "active": len(active),
            "atoms": atoms,
            "perplexity": float(np.exp(-(shares * np.log(shares)).sum())),
            "listed": listed,
            "more": len(active) - len(listed),
            "sheet": sheet.to_dict(),
            "scale": _scale(sheet, STRIP),
        }

    def _code(self, code: int, shown: int, used: int) -> Values:
        row = self.counts[code]
        named = self.labelled and row.any()
        return {
            "code": code,
            "name": self.info.content_names[row.argmax()] if named else "",
            "share": float(row.max() / row.sum()) if named else None,
            "shown": shown,
            "count": f"{used:,}",
        }

    def mistakes(self) -> Values:
        """The worst of them, and how many there are; writes their sheet, if there are any."""
        test, names = self.test, self.info.content_names
        labelled = test.content_label >= 0
        wrong = labelled & (self.stands_for[test.codes] != test.content_label)
        there = np.unique(test.content_label[labelled])
        missing = names_of(np.setdiff1d(there, self.stands_for), names)
        found = worst_mistakes(self.near, test.codes, test.content_label, self.stands_for, SHOWN)
        values: Values = {
            "count": f"{int(wrong.sum()):,}",
            "of": f"{int(labelled.sum()):,}",
            "missing": _listed(missing),
            "unit": "in cosine" if self.opened.model.spec.distance == "cosine" else "in distance",
            "shown": [self._mistake(mistake) for mistake in found],
        }
        if found:
            sheet = self._sheet("mistakes.webp", test.rows[[one.row for one in found]])
            values |= {"sheet": sheet.to_dict(), "scale": _scale(sheet, TILE)}
        return values

    def _mistake(self, mistake: Mistake) -> Values:
        test, names = self.test, self.info.content_names
        return {
            "label": names[mistake.label],
            "read": names[mistake.read],
            "code": mistake.code,
            "margin": mistake.margin,
            "style": names_of(test.style_label[[mistake.row]], self.info.style_names)[0],
            "sample": self.file.name_of(int(test.sample[mistake.row])),
        }

    def map(self, rows: Array, name: str) -> Values:
        """What the points of the maps are, by fragment rows (N,); writes their sheet.

        name: of the folder, as the page links it.
        """
        place = {row: at for at, row in enumerate(self.test.rows.tolist())}
        at = np.array([place[row] for row in rows.tolist()], np.int64)
        test, info = self.test, self.info
        codes = self.opened.sizes[0]
        kinds = {
            "content": (test.content_label[at], list(info.content_names)),
            "style": (test.style_label[at], list(info.style_names)),
            "code": (test.codes[at], [str(code) for code in range(codes)]),
        }
        return {
            "folder": name,
            "sheet": self._sheet("map.webp", rows).to_dict(),
            "samples": [self.file.name_of(int(sample)) for sample in test.sample[at]],
            "colourings": {
                kind: _coloured(labels, names)
                for kind, (labels, names) in kinds.items()
                if (labels >= 0).any()
            },
        }

    def _sheet(self, name: str, rows: Array, columns: int = 0) -> Sheet:
        fragments = self.file.read(rows)
        return write_sheet(self.folder / name, fragments, self.kind, self.span, columns)


def training(about: Mapping[str, Any], size: int, ratios: Mapping[str, float]) -> Values:
    """How the model was trained, from the contents of model.json and its number of parameters."""
    params, spec, figures = about["training"], about["spec"], about["figures"]
    batch = f"{params['batch_samples']} samples with {params['fragments_per_sample']} fragments"
    measured = {
        "validation_error": "error of reconstruction, validation samples",
        "validation_perplexity": "perplexity of the codes, validation samples",
    }
    rows = [(said, f"{figures[name]:.4g}") for name, said in measured.items() if name in figures]
    variance = about["info"]["variance"]
    rows.append(("variance of the data: the error of knowing nothing", f"{variance:.4g}"))
    rows += [(name, f"{value:.3g}") for name, value in ratios.items()]
    steps, kept = (int(figures.get(name, params["steps"])) for name in ("steps", "best_step"))
    return {
        "sentence": (
            f"{steps:,} updates of {batch} each, seed {params['seed']}, and the weights of update "
            f"{kept:,}. A {spec['network']} network of {size:,} parameters, {spec['atoms']} atoms. "
            f"Each of the four ratios should reach the relativity, {params['relativity']:g} "
            "(dotted)."
        ),
        "figures": rows,
    }


def _coloured(labels: Array, names: list[str]) -> Values:
    """Labels (N,) with the names and colours of those that occur, counted anew from 0."""
    found, anew = np.unique(labels[labels >= 0], return_inverse=True)
    counted = np.full(len(labels), -1)
    counted[labels >= 0] = anew
    return {
        "labels": counted.tolist(),
        "names": [names[label] for label in found],
        "colours": label_colours(len(found)),
    }


def _scale(sheet: Sheet, side: int) -> float:
    """How many times larger a tile is shown, so that its longer side has some `side` pixels: a
    whole number, for its pixels are to stay squares, unless it is smaller."""
    longer = max(sheet.width, sheet.height)
    return round(side / longer, 2) if longer > side else float(-(-side // longer))


def _between(least: int, most: int) -> str:
    return f"{least}" if least == most else f"{least} to {most}"


def _end(text: str) -> str:
    return text if text.endswith(".") else f"{text}."


def _listed(names: Sequence[str]) -> str:
    """Names in a row, and how many more there are."""
    listed: list[str] = []
    room = LISTED
    for name in names:
        room -= len(name) + 2
        if listed and room < 0:
            return f"{', '.join(listed)} and {len(names) - len(listed):,} more"
        listed.append(name or "(nameless)")
    return ", ".join(listed)
