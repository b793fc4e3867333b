"""Bring the sheets of Sprites: the real ones, or the stand-in in their format."""

from v3.base.cli import StagePaths, corpus_parser, run

from v3.base.params_file import load_section
from v3.corpora.sprites.params import DownloadParams, PartsParams, Source, StandInParams
from v3.corpora.sprites.raw import bring_real
from v3.standins.sprites.sheets import draw_standin


def main() -> None:
    corpus_parser(__doc__).parse_args()
    paths = StagePaths("sprites")
    parts = load_section(paths.dataset, "parts", PartsParams)
    raw = paths.data / "raw"
    if load_section(paths.dataset, "source", Source) == "real":
        bring_real(raw, parts, load_section(paths.dataset, "download", DownloadParams))
    else:
        draw_standin(raw, parts, load_section(paths.dataset, "standin", StandInParams).seed)


if __name__ == "__main__":
    run(main)
