"""Cut the digits of SVHN out of their images: the fragment file."""

from v3.base.cli import StagePaths, corpus_parser, run

from v3.base.params_file import load_machine, load_section
from v3.corpora.svhn.crop import write_fragments
from v3.corpora.svhn.params import CropParams


def main() -> None:
    corpus_parser(__doc__).parse_args()
    paths = StagePaths("svhn")
    params = load_section(paths.dataset, "crop", CropParams)
    raw, boxes = paths.data / "raw", paths.data / "boxes.h5"
    write_fragments(raw, boxes, paths.fragments, params.min_digits, load_machine().workers)


if __name__ == "__main__":
    run(main)
