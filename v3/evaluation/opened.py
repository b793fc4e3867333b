"""What every evaluation stage opens: a trained model, the fragments and their split."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from v3.base.cli import StagePaths, stage_parser
from v3.base.errors import V3Error
from v3.evaluation.embedding import Embeddings, embed
from v3.fragments.format import FragmentInfo
from v3.fragments.labels import LabelledFragments
from v3.model.v3 import V3
from v3.splits import read_split


@dataclass(frozen=True)
class Evaluated:
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

    def embed(self, part: str) -> Embeddings:
        """Embeddings of all fragments of a part of the split."""
        return embed(self.model, self.file, self.split[part])

    def require_unseen(self) -> None:
        """V3Error if no style is kept out of training."""
        if not self.split.get("unseen_test"):
            raise V3Error(
                f"{self.paths.dataset}.split.unseen_styles is empty (and no share of "
                "split.groups is unseen): no style is unseen."
            )


def stage_paths(about: str | None) -> StagePaths:
    """Where a stage described by `about` reads and writes, from its command line."""
    args = stage_parser(about or "").parse_args()
    return StagePaths(args.dataset, args.run)


@contextmanager
def evaluated(paths: StagePaths) -> Iterator[Evaluated]:
    """Open what a stage evaluates; V3Error names what is missing or damaged."""
    model = V3.load(paths.model)
    with LabelledFragments(paths.fragments) as file:
        yield Evaluated(paths, model, file, read_split(paths.split, len(file.style)))
