"""Read the boxes and digits of SVHN out of the archives, and check them."""

from v3.base.cli import StagePaths, corpus_parser, run

from v3.base.params_file import load_section
from v3.corpora.svhn.annotations import annotate
from v3.corpora.svhn.params import AnnotationsParams


def main() -> None:
    corpus_parser(__doc__).parse_args()
    paths = StagePaths("svhn")
    params = load_section(paths.dataset, "annotations", AnnotationsParams)
    annotate(paths.data / "raw", paths.data / "boxes.h5", params.leave_out)


if __name__ == "__main__":
    run(main)
