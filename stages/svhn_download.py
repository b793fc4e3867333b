"""Bring the archives of SVHN: the published ones, or the stand-in that is drawn here."""

from v3.base.cli import StagePaths, corpus_parser, run

from v3.base.params_file import load_machine, load_section
from v3.corpora.svhn.params import DownloadParams, Source, StandInParams
from v3.corpora.svhn.raw import bring_real
from v3.standins.svhn.archives import draw_archives


def main() -> None:
    corpus_parser(__doc__).parse_args()
    paths = StagePaths("svhn")
    raw = paths.data / "raw"
    if load_section(paths.dataset, "source", Source) == "real":
        bring_real(raw, load_section(paths.dataset, "download", DownloadParams))
    else:
        params = load_section(paths.dataset, "standin", StandInParams)
        draw_archives(raw, params, load_machine().workers)


if __name__ == "__main__":
    run(main)
