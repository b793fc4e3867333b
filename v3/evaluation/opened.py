"""What every evaluation stage opens: a trained model, the fragments and their split."""

from __future__ import annotations

from v3.base.cli import StagePaths, stage_parser

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from v3.base.errors import V3Error
from v3.evaluation.common import names_of
from v3.evaluation.embedding import Embeddings, embed
from v3.evaluation.ood import unseen_figures
from v3.fragments.format import FragmentInfo
from v3.fragments.labels import LabelledFragments
from v3.model.v3 import V3
from v3.splits import SEEN, read_split, require_samples

Labelled = tuple[np.ndarray, np.ndarray, np.ndarray]


@dataclass(frozen=True)
class Opened:
    """A model, the open fragment file, and the sample rows of every part of the split."""

    paths: StagePaths
    model: V3
    file: LabelledFragments
    split: dict[str, list[int]]

    @property
    def info(self) -> FragmentInfo:
        return self.file.info

    @property
    def sizes(self) -> tuple[int, int]:
        """Atoms of the codebook and names of contents: the shape of a confusion matrix."""
        return self.model.spec.atoms, len(self.info.content_names)

    def with_model(self, model: V3) -> Opened:
        """The same file and split for another model."""
        return replace(self, model=model)

    def embed(self, part: str) -> Embeddings:
        """Embeddings of all fragments of a part of the split."""
        return embed(self.model, self.file, self.split[part])

    def read_labelled(self, rows: np.ndarray) -> Labelled:
        """Fragments (N, C, H, W) of `rows` (N,), their labels of content (N,) and of style (N,)."""
        file = self.file
        return file.read(rows), file.content[rows], file.style[file.sample[rows]]

    def styles_of(self, found: Embeddings, rows: np.ndarray) -> list[str]:
        """Names of the styles of some fragments; where no style is known, of their samples."""
        labels = found.style_label[rows]
        if (labels < 0).all():
            return [self.file.name_of(int(sample)) for sample in found.sample[rows]]
        return names_of(labels, self.info.style_names)

    def unseen_figures(self, mapping: np.ndarray) -> dict[str, Any]:
        """Figures of the model on the unseen styles, a code being read by `mapping` (atoms,)."""
        unseen, test = self.embed("unseen_test"), self.embed("test")
        return unseen_figures(
            mapping,
            (unseen.codes, unseen.content_label, unseen.style_label),
            (test.codes, test.content_label),
            self.info.style_names,
        )


def stage_paths(about: str | None) -> StagePaths:
    """Where a stage described by `about` reads and writes, from its command line."""
    args = stage_parser(about or "").parse_args()
    return StagePaths(args.dataset, args.run)


@contextmanager
def open_model_and_data(paths: StagePaths) -> Iterator[Opened]:
    """Open what a stage evaluates; `V3Error` names what is missing, damaged or does not fit."""
    model = V3.load(paths.model)
    with LabelledFragments(paths.fragments) as file:
        if tuple(model.info.fragment_shape) != tuple(file.shape):
            raise V3Error(
                f"{paths.model} was trained on fragments of the shape "
                f"{tuple(model.info.fragment_shape)} and {file.path} holds {tuple(file.shape)}: "
                "run `dvc repro` to train anew."
            )
        units = (model.info.offset, model.info.scale), (file.info.offset, file.info.scale)
        if units[0] != units[1]:
            raise V3Error(
                f"{paths.model} was trained on fragments of offset and scale {units[0]} and "
                f"{file.path} has {units[1]}: run `dvc repro` to train anew."
            )
        split = read_split(paths.split, len(file.style))
        require_samples(paths.split, split, *SEEN)
        yield Opened(paths, model, file, split)
