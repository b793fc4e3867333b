"""The pictures that other stages drew, with what is to be seen in each: a page's words for them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Picture:
    """A picture below plots/<dataset>, its title, and how it is to be read."""

    file: str
    title: str
    about: str


SAMPLES = Picture(
    "fragments/samples.png",
    "Some samples",
    "A row is a sample: its fragments in their order. The style is the same all along it.",
)
CONTENTS = Picture(
    "fragments/contents_by_styles.png",
    "Contents in several styles",
    "A row is a content, a column a style, as they are in the data.",
)
SWAP = Picture(
    "swap/swap.png",
    "Every content with every style",
    "Decoded: the content of the fragment at the left in the style of the fragment on top.",
)
RECONSTRUCTIONS = Picture(
    "swap/reconstructions.png",
    "Samples and their reconstructions",
    "Below each original what the decoder makes of its code and its sample's style.",
)
CODES = Picture(
    "codebook/code_by_style.png",
    "Codes by styles",
    "A row is a code, decoded in the styles of the fragments on top; in brackets the content that "
    "most of its fragments have.",
)
CONFUSION = Picture(
    "codebook/confusion.png",
    "Codes and contents",
    "A row is a code: which contents its fragments have.",
)
MAPS = Picture(
    "tsne/tsne.png",
    "Maps of the embeddings",
    "Points that lie together are alike in z_c, or in z_s.",
)
CURVES = Picture(
    "curves/training.png",
    "Curves of training",
    "Losses, hinges, variability and the use of the codes over the updates.",
)
RETRIEVAL = Picture(
    "retrieval/precision_recall.png",
    "Neighbours by content and by style",
    "Precision over recall; the crossed searches should find no more than chance.",
)
FEW_SHOT = Picture(
    "few_shot/few_shot.png",
    "Adapted to a few samples",
    "Accuracy on unseen styles after adapting without labels to so many samples of each.",
)
ALL = (
    SAMPLES,
    CONTENTS,
    SWAP,
    RECONSTRUCTIONS,
    CODES,
    CONFUSION,
    MAPS,
    CURVES,
    RETRIEVAL,
    FEW_SHOT,
)


def drawn(folder: str | Path) -> dict[str, Picture | None]:
    """The pictures by their file's name without suffix; None for one that `folder` lacks."""
    return {
        Path(picture.file).stem: picture if (Path(folder) / picture.file).is_file() else None
        for picture in ALL
    }
