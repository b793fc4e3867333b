"""Bring the raw files of a genuine corpus from its mirror, which V3_MIRROR leads to."""

from v3.base.cli import run

import argparse
import shutil
from pathlib import Path

from v3.base.files import atomic_folder, read_json, write_json
from v3.base.params_file import load_section
from v3.corpora.genuine import CORPORA, data_of, material_of, require_files, use_mirror
from v3.corpora.librispeech import hub
from v3.corpora.librispeech.params import DownloadParams as Shards
from v3.corpora.sprites import raw as sprites
from v3.corpora.sprites.params import DownloadParams as Sheets
from v3.corpora.sprites.params import PartsParams
from v3.corpora.svhn import raw as svhn
from v3.corpora.svhn.params import ARCHIVES
from v3.corpora.svhn.params import DownloadParams as Archives


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("corpus", choices=CORPORA)
    corpus = parser.parse_args().corpus
    folder = use_mirror(corpus)
    raw = data_of(corpus) / "raw"
    recipe = CORPORA[corpus].recipe
    if recipe == "svhn":
        bring_svhn(corpus, folder, raw)
    elif recipe == "librispeech":
        bring_speech(corpus, raw)
    elif recipe == "sprites":
        bring_sprites(corpus, folder, raw)
    else:
        bring_file(corpus, folder, raw)


def bring_svhn(corpus: str, folder: Path, raw: Path) -> None:
    params = load_section(corpus, "download", Archives, material_of(corpus))
    require_files(corpus, folder, [f"{params.address}/{name}.tar.gz" for name in ARCHIVES])
    svhn.bring_real(raw, params)


def bring_speech(corpus: str, raw: Path) -> None:
    hub.download(raw, load_section(corpus, "download", Shards, material_of(corpus)))
    if corpus != CORPORA[corpus].recipe:  # another corpus in the same layout
        index = read_json(raw / "index.json")
        index["source"] = f"{corpus.upper()}, in the layout of {index['source']}"
        write_json(raw / "index.json", index)


def bring_sprites(corpus: str, folder: Path, raw: Path) -> None:
    params = load_section(corpus, "download", Sheets, material_of(corpus))
    parts = load_section(corpus, "parts", PartsParams, material_of(corpus))
    names = (*parts.sheets(), *sprites.TEXTS)
    base = f"{params.address}/{params.commit}"
    require_files(corpus, folder, [f"{base}/{name}" for name in names])
    sprites.bring_real(raw, parts, params)


def bring_file(corpus: str, folder: Path, raw: Path) -> None:
    """A corpus of one file, in no layout of a host."""
    sign = CORPORA[corpus].sign
    with atomic_folder(raw) as beside:
        shutil.copyfile(folder / sign, beside / sign)


if __name__ == "__main__":
    run(main)
