"""Bring the shards of Librispeech here, or make the stand-in's, as librispeech.source says."""

from v3.base.cli import StagePaths, corpus_parser, run

from v3.base.params_file import load_machine, load_section
from v3.corpora.librispeech.hub import download
from v3.corpora.librispeech.params import DownloadParams, Source, StandInParams
from v3.standins.librispeech.shards import write_standin


def main() -> None:
    corpus_parser(__doc__).parse_args()
    paths = StagePaths("librispeech")
    if load_section(paths.dataset, "source", Source) == "real":
        download(paths.data / "raw", load_section(paths.dataset, "download", DownloadParams))
    else:
        params = load_section(paths.dataset, "standin", StandInParams)
        write_standin(paths.data / "raw", params, load_machine().workers)


if __name__ == "__main__":
    run(main)
