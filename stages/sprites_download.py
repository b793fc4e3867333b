"""Bring the sheets of Sprites: the real ones, or the stand-in in their format."""

from v3.base.cli import StagePaths, corpus_parser, run
from v3.base.params_file import load_section
from v3.corpora.sprites.params import DownloadParams, PartsParams, SampleParams, Source
from v3.corpora.sprites.raw import bring_real, draw_sample


def main() -> None:
    corpus_parser(__doc__).parse_args()
    paths = StagePaths("sprites")
    parts = load_section(paths.dataset, "parts", PartsParams)
    raw = paths.data / "raw"
    if load_section(paths.dataset, "source", Source) == "real":
        bring_real(raw, parts, load_section(paths.dataset, "download", DownloadParams))
    else:
        draw_sample(raw, parts, load_section(paths.dataset, "sample", SampleParams).seed)


if __name__ == "__main__":
    run(main)
