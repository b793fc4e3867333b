"""Librispeech: every way in which a row can be bad, and what is mended."""

import re

import numpy as np
import pytest
from librispeech_rows import (
    PARAMS,
    RATE,
    flac,
    float_sound,
    fragments,
    noise,
    row,
    shard,
    sound_file,
    wav,
)

from v3.base.errors import V3Error
from v3.corpora.librispeech.phonemes import write_fragments
from v3.fragments.labels import LabelledFragments

BAD_ROWS = {
    "ends before it starts": (row(phonemes=[(0.1, 0.2, "T"), (0.5, 0.4, "AA1")]), "phoneme 1"),
    "ends after the audio": (row(phonemes=[(0.5, 1.5, "AA1")]), "its audio from 0 to 1 s"),
    "lies after the audio": (row(phonemes=[(1.5, 1.6, "AA1")]), "its audio from 0 to 1 s"),
    "starts before it": (row(phonemes=[(-0.5, 0.5, "AA1")]), "phoneme 0"),
    "has no number": (row(phonemes=[(float("nan"), 0.5, "AA1")]), "phoneme 0"),
    "has no end": (row(phonemes=[(0.1, float("inf"), "AA1")]), "phoneme 0"),
    "overlaps": (row(phonemes=[(0.1, 0.6, "T"), (0.3, 0.8, "AA1")]), "before the one before it"),
    "other order": (row(phonemes=[(0.5, 0.6, "T"), (0.1, 0.2, "AA1")]), "before the one before it"),
    "silence": (row(sound=sound_file(np.zeros(RATE))), "silence only"),
    "no samples": (row(sound=sound_file(np.zeros(0), kind="WAV")), "its audio is empty"),
    "no FLAC": (row(sound=b"fLaC nothing"), "cannot be decoded"),
    "cut short": (row(sound=sound_file(noise())[:3000]), "cannot be decoded"),
    "cut at a frame": (row(sound=flac(keep=8)), "announces 48000 samples and "),
    "cut at a frame, no length": (row(sound=flac(0, keep=8)), "samples do not have the MD5"),
    "longer than it says": (row(sound=flac(40000)), "samples do not have the MD5"),
    "shorter than it says": (row(sound=flac(2**36 - 1)), "announces 68719476735 samples"),
    "WAV that is cut": (row(sound=wav()[:20000]), "announces 32000 bytes and 19956 follow"),
    "no rate": (row(sound=wav(rate=2**31 - 1)), "2147483647 Hz"),
    "no bytes": (row(sound=b""), "no audio bytes"),
    "low rate": (row(sound=sound_file(noise(rate=8000), 8000)), "8000 Hz"),
    "NaN": (row(sound=float_sound(np.nan)), "not finite"),
    "infinity": (row(sound=float_sound(np.inf)), "not finite"),
    "opposite infinities": (row(sound=float_sound(np.inf, -np.inf)), "not finite"),
    "beyond what floats hold": (row(sound=float_sound(3e38, 3e38)), "not finite"),
    "NaN at a higher rate": (row(sound=float_sound(np.nan, rate=44100)), "not finite"),
    "null phoneme": (row() | {"phonemes": [*row()["phonemes"], None]}, "phoneme 3 is null"),
    "no label": (row(phonemes=[(0.1, 0.2, None)]), "phoneme 0 is without a label"),
    "no start": (row(phonemes=[(None, 0.2, "T")]), "phoneme 0 (T) goes from None"),
    "null audio": (row() | {"audio": None}, "no audio bytes"),
    "null bytes": (row() | {"audio": {"bytes": None, "path": "a.flac"}}, "no audio bytes"),
    "null id": (row() | {"id": None}, "speaker-chapter-utterance"),
    "no id": (row(sample_id="nobody"), "speaker-chapter-utterance"),
}


@pytest.mark.parametrize("name", BAD_ROWS)
def test_a_bad_row_is_named_and_the_way_past_it_works(tmp_path, name):
    bad, words = BAD_ROWS[name]
    path = shard(tmp_path / "raw", [row("19-1-0009"), bad])
    with pytest.raises(V3Error) as error:
        write_fragments(tmp_path / "raw", tmp_path / "fragments.h5", PARAMS, 1)
    said = str(error.value)
    assert words in said
    assert f"{path}, row 1" in said
    assert "\n" not in said
    assert "delete" not in said
    assert [p.name for p in tmp_path.iterdir()] == ["raw"]
    told = re.search(r"set librispeech\.phonemes\.leave_out to \[(.*)\]|add '(.*)' to lib", said)
    assert told
    params = PARAMS.model_copy(update={"leave_out": (told[1] or told[2],)})
    left_out = write_fragments(tmp_path / "raw", tmp_path / "fragments.h5", params, 1)
    assert left_out == {"utterances left out as told": 1}
    with LabelledFragments(tmp_path / "fragments.h5") as file:
        assert file.sample_id == ["19-1-0009"]
        assert file.info.source == "a test; utterances left out as told: 1"


@pytest.mark.parametrize("workers", [1, 2])
def test_all_utterances_that_cannot_be_used_are_named_at_once(tmp_path, workers):
    bad = row(phonemes=[(0.5, 0.4, "AA1")])
    rows = [bad | {"id": f"19-1-{k:04d}"} if k % 2 else row(f"19-1-{k:04d}") for k in range(60)]
    path = shard(tmp_path / "raw", rows)
    params = PARAMS.model_copy(update={"leave_out": ("19-1-0001",)})
    with pytest.raises(V3Error) as error:
        write_fragments(tmp_path / "raw", tmp_path / "fragments.h5", params, workers)
    assert f"{path}, row 3 (19-1-0003)" in str(error.value)
    assert "28 more cannot be used" in str(error.value)
    assert "leave_out to [19-1-0001, 19-1-0003, 19-1-0005, " in str(error.value)
    assert str(error.value).endswith("] and 10 more to go on without.")


MENDED = {
    "empty list": (row(phonemes=[]), None, "utterances without a phoneme left out: 1"),
    "null phonemes": (row() | {"phonemes": None}, None, "utterances without a phoneme left out: 1"),
    "lasts no time": (
        row(phonemes=[(0.1, 0.2, "T"), (0.5, 0.5, "AA1")]),
        1,
        "phonemes without sound skipped: 1",
    ),
    "20 ms after the audio": (
        row(phonemes=[(0.1, 0.2, "T"), (0.5, 1.02, "AA1")]),
        2,
        "phonemes cut at an end of the audio: 1",
    ),
    "20 ms before it": (
        row(phonemes=[(-0.02, 0.2, "T"), (0.5, 0.6, "AA1")]),
        2,
        "phonemes cut at an end of the audio: 1",
    ),
    "all of it after the audio": (
        row(phonemes=[(0.1, 1.0, "T"), (1.0, 1.05, "AA1")]),
        1,
        "phonemes without sound skipped: 1",
    ),
}


@pytest.mark.parametrize("name", MENDED)
def test_what_an_aligner_may_err_is_mended_and_counted(tmp_path, name):
    odd, fragments_of_it, words = MENDED[name]
    path = fragments(tmp_path, [row("19-1-0009"), odd])
    with LabelledFragments(path) as file:
        assert np.diff(file.starts).tolist() == [2] + ([fragments_of_it] if fragments_of_it else [])
        assert file.info.source == f"a test; {words}"


def test_a_phoneme_that_is_cut_is_what_is_there(tmp_path):
    late, whole = (row(phonemes=[(0.5, end, "AA1")]) for end in (1.02, 1.0))
    with LabelledFragments(fragments(tmp_path, [late, whole | {"id": "19-1-0001"}])) as file:
        one, other = file.read(np.arange(2))
    assert np.array_equal(one, other)


def test_nothing_but_utterances_without_phonemes(tmp_path):
    with pytest.raises(V3Error, match=r"no utterance of .* has a phoneme: set librispeech\."):
        fragments(tmp_path, [row(phonemes=[])])
