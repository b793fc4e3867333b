"""Show some house numbers of SVHN with the boxes around their digits."""

from v3.base.cli import StagePaths, corpus_parser, run
from v3.corpora.svhn.annotations import read_annotations
from v3.corpora.svhn.crop import framed_images
from v3.plots.grids import contact_sheet

SHOWN = 16  # images


def main() -> None:
    corpus_parser(__doc__).parse_args()
    paths = StagePaths("svhn")
    boxes = paths.data / "boxes.h5"
    images, titles = framed_images(paths.data / "raw", boxes, SHOWN)
    contact_sheet(
        paths.plots("numbers") / "numbers.png",
        images,
        titles,
        "svhn: house numbers and their boxes",
        read_annotations(boxes)[1],
    )


if __name__ == "__main__":
    run(main)
