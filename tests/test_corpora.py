"""What holds for every corpus: its fragment file reads back, its stages end in one sentence."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
from ruamel.yaml import YAML

from v3.base.params_file import load_section
from v3.corpora.insnotes import audio, midi, notes, soundfont
from v3.corpora.librispeech import phonemes
from v3.corpora.phonenums import pages
from v3.corpora.sprites import compose
from v3.corpora.svhn import annotations, crop
from v3.fragments.labels import LabelledFragments, validate
from v3.params import corpus_sections
from v3.standins.librispeech import shards
from v3.standins.sprites import sheets
from v3.standins.svhn import archives

ROOT = Path(__file__).parent.parent
SHORT_SCORE = {
    "files": 1,
    "unseen_files": 1,
    "programs": {"oboe": 68},
    "unseen_programs": {"flute": 73},
    "notes": 3,
}


def section(dataset: str, name: str, **changes: Any) -> Any:
    """A corpus's own section of params.yaml, with some values changed."""
    kind = corpus_sections(dataset)[name]
    return kind(**(load_section(dataset, name, kind, ROOT / "params.yaml").model_dump() | changes))


def make_phonenums(folder: Path) -> Path:
    params = section("phonenums", "pages", pages=9, unseen_pages=8)
    pages.synthesise(folder / "pages.h5", params, 1)
    pages.write_fragments(folder / "pages.h5", folder / "fragments.h5")
    return folder / "fragments.h5"


def make_insnotes(folder: Path) -> Path:
    midi.write_midi(folder / "midi", section("insnotes", "midi", **SHORT_SCORE))
    audio.render(folder / "midi", folder / "audio", section("insnotes", "audio"), 1)
    notes.write_fragments(folder / "audio", folder / "fragments.h5", section("insnotes", "stft"))
    return folder / "fragments.h5"


def make_svhn(folder: Path) -> Path:
    archives.draw_archives(folder / "raw", section("svhn", "standin", train=9, test=6, extra=3), 1)
    annotations.annotate(folder / "raw", folder / "boxes.h5", ())
    crop.write_fragments(folder / "raw", folder / "boxes.h5", folder / "fragments.h5", 2, 1)
    return folder / "fragments.h5"


def make_sprites(folder: Path) -> Path:
    parts = section("sprites", "parts", body=(0, 3), bottomwear=(1,), topwear=(2,), hair=(8, 9))
    sheets.draw_standin(folder / "raw", parts, 0)
    compose.write_fragments(folder / "raw", folder / "fragments.h5", parts)
    return folder / "fragments.h5"


def make_librispeech(folder: Path) -> Path:
    sizes = {"speakers": 2, "utterances": 2, "unseen_speakers": 1, "unseen_utterances": 1}
    params = section("librispeech", "standin", seconds=(1.0, 1.5), **sizes)
    shards.write_standin(folder / "raw", params, 1)
    params = section("librispeech", "phonemes")
    phonemes.write_fragments(folder / "raw", folder / "fragments.h5", params, 1)
    return folder / "fragments.h5"


@pytest.mark.parametrize(
    ("name", "make", "samples", "shortest"),
    [
        ("phonenums", make_phonenums, 17, 10),
        ("insnotes", make_insnotes, 2, 3),
        ("svhn", make_svhn, None, 2),
        ("sprites", make_sprites, 4, 9),
        ("librispeech", make_librispeech, 5, 4),
    ],
)
def test_every_corpus_reads_back(
    tmp_path: Path, name: str, make, samples: int | None, shortest: int
) -> None:  # type: ignore[no-untyped-def]
    """With the shape, the labels and the range that the default network is built for."""
    path = make(tmp_path)
    info = validate(path)
    assert info.dataset == name
    assert info.source
    with LabelledFragments(path) as file:
        count = len(file.style)
        assert count == len(set(file.sample_id)) == (samples or count)
        lengths = np.diff(file.starts)
        assert lengths.min() >= shortest
        assert set(file.style) == set(range(len(info.style_names)))
        assert set(file.content) <= set(range(len(info.content_names)))
        fragments, rows = file.read_samples(np.arange(count)[::-1])
        assert (file.sample[rows] == np.repeat(np.arange(count)[::-1], lengths[::-1])).all()
        network = (fragments.astype(np.float64) - info.offset) * info.scale
        assert np.abs(network).max() <= 2.5  # 2, and what bicubic resizing swings beyond
        assert network.std() > 0.1
        # fragments of one place in the file are not all one
        assert len(np.unique(fragments.reshape(len(fragments), -1), axis=0)) == len(fragments)


def run_stage(
    folder: Path, name: str, path: str | None = None, sound: str | None = None
) -> subprocess.CompletedProcess[str]:
    """`python -m stages.<name>` in `folder`, with the score cut to a few notes."""
    yaml = YAML()
    raw = yaml.load(ROOT / "params.yaml")
    raw["insnotes"]["midi"].update(SHORT_SCORE)
    raw["insnotes"]["split"]["unseen_styles"] = ["flute"]
    raw["insnotes"]["audio"]["soundfont"] = sound or str(folder / "font.sf2")
    raw["machine"]["workers"] = 1
    yaml.dump(raw, folder / "params.yaml")
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "PATH": path or os.environ["PATH"]}
    return subprocess.run(
        [sys.executable, "-m", f"stages.{name}"],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
    )


def sentence(failed: subprocess.CompletedProcess[str]) -> str:
    """The one line that a stage ended with."""
    assert failed.returncode == 1
    (line,) = failed.stderr.splitlines()
    assert line.startswith("error: ")
    assert line.endswith(".")
    return line


@pytest.mark.parametrize(
    ("font", "path", "words"),
    [
        (b"text, not sound", None, "font.sf2 is no SoundFont"),
        (b"RIFF\x04\0\0\0sfbk", "/nowhere", "fluidsynth is not on PATH"),
    ],
)
def test_a_stage_ends_in_one_sentence(
    tmp_path: Path, font: bytes, path: str | None, words: str
) -> None:
    (tmp_path / "font.sf2").write_bytes(font)
    assert run_stage(tmp_path, "insnotes_midi").returncode == 0
    assert words in sentence(run_stage(tmp_path, "insnotes_audio", path))
    assert [entry.name for entry in (tmp_path / "data" / "insnotes").iterdir()] == ["midi"]


def test_a_stage_that_is_given_silence(tmp_path: Path) -> None:
    """As from a FluidSynth that ends with exit code 0 and has played nothing."""
    soundfile.write(tmp_path / "silence.wav", np.zeros((200_000, 2)), 16000)
    (tmp_path / "bin").mkdir()
    fake = tmp_path / "bin" / "fluidsynth"
    fake.write_text(
        '#!/bin/sh\n[ "$1" = --version ] && exit\n'
        'while [ "$1" != -F ]; do shift; done\n'
        f'cp {tmp_path}/silence.wav "$2"\n'
    )
    fake.chmod(0o755)
    assert run_stage(tmp_path, "insnotes_midi").returncode == 0
    path = os.pathsep.join([str(fake.parent), os.environ["PATH"]])
    failed = run_stage(tmp_path, "insnotes_audio", path, soundfont.SHIPPED)
    assert "Note 0 of data/insnotes/midi/068-oboe-0000.mid is silent" in sentence(failed)
    assert [entry.name for entry in (tmp_path / "data" / "insnotes").iterdir()] == ["midi"]


@pytest.mark.parametrize(
    ("name", "make", "damaged"),
    [
        ("phonenums", make_phonenums, "pages.h5"),
        ("insnotes", make_insnotes, "audio/068-oboe-0000.wav"),
    ],
)
def test_a_stage_that_reads_a_file_cut_in_half(
    tmp_path: Path, name: str, make, damaged: str
) -> None:  # type: ignore[no-untyped-def]
    """It ends in one sentence, writes nothing, and goes through once the file is whole again."""
    data = tmp_path / "data" / name
    data.mkdir(parents=True)
    made = make(data)
    before = made.read_bytes()
    made.unlink()
    file = data / damaged
    whole = file.read_bytes()
    os.truncate(file, len(whole) // 2)
    line = sentence(run_stage(tmp_path, f"{name}_fragments"))
    assert f"data/{name}/{damaged} is damaged or cut short" in line
    assert "`dvc repro`" in line
    assert not made.exists()
    assert not list(data.glob(".*"))
    assert not (tmp_path / "plots").exists()
    file.write_bytes(whole)
    mended = run_stage(tmp_path, f"{name}_fragments")
    assert mended.returncode == 0, mended.stderr
    assert made.read_bytes() == before
