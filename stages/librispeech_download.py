"""Bring the shards of Librispeech here, or make the stand-in's, as librispeech.source says."""

from v3.base.cli import StagePaths, corpus_parser, run
from v3.base.params_file import load_section
from v3.corpora.librispeech.hub import download
from v3.corpora.librispeech.params import DownloadParams, SampleParams, Source
from v3.standins.librispeech.shards import write_sample


def main() -> None:
    corpus_parser(__doc__).parse_args()
    paths = StagePaths("librispeech")
    if load_section(paths.dataset, "source", Source) == "real":
        download(paths.data / "raw", load_section(paths.dataset, "download", DownloadParams))
    else:
        write_sample(paths.data / "raw", load_section(paths.dataset, "sample", SampleParams))


if __name__ == "__main__":
    run(main)
