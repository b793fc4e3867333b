"""Librispeech: from shards to fragments, and every way in which a row can be bad."""

import json
import os
import re
from collections import Counter
from pathlib import Path

import librosa
import numpy as np
import pyarrow.parquet as pq
import pytest
from librispeech_rows import PARAMS, RATE, fragments, noise, row, shard, sound_file
from PIL import Image

from v3.base.errors import V3Error
from v3.base.files import file_digest, read_json, write_json
from v3.corpora.librispeech.features import phoneme_spectrograms
from v3.corpora.librispeech.phonemes import CHUNK, PHONEMES, write_fragments
from v3.corpora.librispeech.shards import write_index
from v3.corpora.librispeech.sound import decode
from v3.fragments.labels import LabelledFragments, validate

ROOT = Path(__file__).parent.parent
MIRROR = Path(os.environ.get("V3_TEST_MIRROR", ROOT.parent / "shared" / "mirror"))
GENUINE = MIRROR / "huggingface.co/datasets/gilkeyio/librispeech-alignments/resolve/main/data"


def test_fragments_are_the_phonemes_in_order(tmp_path):
    rows = [row("19-1-0000"), row("7-3-0002", [(0.0, 0.03, "ZH"), (0.03, 1.0, "OY1")])]
    path = fragments(tmp_path, rows)
    info = validate(path)
    with LabelledFragments(path) as file:
        assert file.shape == (1, 80, 64)
        assert file.dtype == np.float16
        assert [info.content_names[c] for c in file.content] == ["ah", "t", "oy"]
        assert file.sample.tolist() == [0, 0, 1]
        assert info.style_names == ("7", "19")
        assert file.style.tolist() == [1, 0]
        assert file.sample_id == ["19-1-0000", "7-3-0002"]
        assert info.group_names == ("train_clean_100",)
        assert file.group.tolist() == [0, 0]
        values = file.read(np.arange(3)).astype(np.float32)
        network = (values - info.offset) * info.scale
        assert values.min() >= -90
        assert np.abs(values.max((1, 2, 3))).max() < 10
        assert network.min() > -2.5
        assert network.max() < 2.5


def test_an_utterance_without_known_phonemes_is_left_out(tmp_path):
    path = fragments(tmp_path, [row(phonemes=[(0.1, 0.5, "spn")]), row("19-1-0001")])
    with LabelledFragments(path) as file:
        assert file.sample_id == ["19-1-0001"]


def test_labels_that_are_no_phonemes_are_counted_by_name(tmp_path):
    """But not silence and noise, which most utterances have."""
    odd = [(k / 10, k / 10 + 0.1, label) for k, label in enumerate(("T", "qq", "sil", "qq", "x1"))]
    with LabelledFragments(fragments(tmp_path, [row(phonemes=odd), row("19-1-0001")])) as file:
        assert np.diff(file.starts).tolist() == [1, 2]
        assert file.info.source == "a test; phonemes 'qq' skipped: 2; phonemes 'x' skipped: 1"
    many = [(k / 10, k / 10 + 0.1, f"q{chr(97 + k)}") for k in range(8)]
    rows = [row(phonemes=many), row("19-1-0001")]
    with LabelledFragments(fragments(tmp_path, rows)) as file:
        assert file.info.source.endswith("; phonemes of 3 other labels skipped: 3")


def test_an_utterance_to_leave_out_that_is_not_there(tmp_path):
    params = PARAMS.model_copy(update={"leave_out": ("19-1-0001", "19-1-001")})
    words = r"phonemes\.leave_out names '19-1-001', which no utterance in .*raw is called: mend the"
    with pytest.raises(V3Error, match=words):
        fragments(tmp_path, [row(), row("19-1-0001")], params)
    assert not (tmp_path / "fragments.h5").exists()


@pytest.mark.parametrize(
    ("rows", "words", "name"),
    [
        ([row(), row("7-1-0000"), row()], "row 2: its id '19-1-0000' is that of an earlier", None),
        ([row("--"), row("7-1-0000")], "row 0: its id '--' is not speaker-chapter-utterance", "--"),
    ],
)
def test_ids_that_tell_no_utterance(tmp_path, rows, words, name):
    with pytest.raises(V3Error, match=words):
        fragments(tmp_path, rows)
    params = PARAMS.model_copy(update={"leave_out": (name or "19-1-0000",)})
    with LabelledFragments(fragments(tmp_path, rows, params)) as file:
        assert file.sample_id == ["7-1-0000"]


@pytest.mark.parametrize(
    "change",
    [
        lambda index: index.update(shards=None),
        lambda index: index.update(shards=["x"]),
        lambda index: index["shards"].append(index["shards"][0]),
        lambda index: index["shards"][0].update(name="../../x.parquet"),
        lambda index: index["shards"][0].pop("split"),
    ],
)
def test_an_index_that_was_edited(tmp_path, change):
    shard(tmp_path / "raw", [row()])
    index = read_json(tmp_path / "raw" / "index.json")
    change(index)
    write_json(tmp_path / "raw" / "index.json", index)
    with pytest.raises(V3Error, match=r"index\.json lists .*: delete .*raw and run `dvc repro`"):
        write_fragments(tmp_path / "raw", tmp_path / "fragments.h5", PARAMS, 1)


def test_utterances_are_limited_by_speaker(tmp_path):
    rows = [row(f"{s}-1-{k:04d}") for k in range(4) for s in (5, 6)] + [row("7-1-0000")]
    limited = PARAMS.model_copy(update={"utterances": 2})
    with LabelledFragments(fragments(tmp_path, rows, limited)) as file:
        assert Counter(i.split("-")[0] for i in file.sample_id) == {"5": 2, "6": 2, "7": 1}
        assert file.sample_id[:4] == ["5-1-0000", "6-1-0000", "5-1-0001", "6-1-0001"]


def test_the_same_bytes_for_any_number_of_workers(tmp_path):
    rows = [
        row(f"{k % 3}-1-{k:04d}", sound=sound_file(noise(seed=k))) for k in range(CHUNK * 2 + 3)
    ]
    shard(tmp_path / "raw", rows)
    for workers in (1, 3):
        write_fragments(tmp_path / "raw", tmp_path / f"{workers}.h5", PARAMS, workers)
    assert file_digest(tmp_path / "1.h5") == file_digest(tmp_path / "3.h5")


@pytest.mark.filterwarnings("ignore:n_fft")
def test_spectrograms_are_librosas_and_pillows():
    sound = noise(1.2).astype(np.float32) * np.linspace(0.01, 1, round(1.2 * RATE), dtype="f4")
    spans = np.array([[0, 1], [1, 81], [100, 580], [700, 5000], [5000, 10040], [5000, 19200]])
    ours = phoneme_spectrograms(sound, spans, PARAMS, RATE)
    for (start, end), picture in zip(spans, ours, strict=True):
        cut = sound[start:end] / np.abs(sound[start:end]).max()
        power = librosa.feature.melspectrogram(y=cut, sr=RATE, n_fft=256, hop_length=80, n_mels=80)
        level = librosa.power_to_db(power, ref=np.max, top_db=80).astype(np.float32)
        expected = Image.fromarray(level).resize((64, 80), Image.Resampling.BICUBIC)
        assert np.abs(picture[0] - np.asarray(expected)).max() < 0.05  # decibels, of float16


def test_stereo_is_mixed_and_a_higher_rate_resampled(tmp_path):
    time = np.arange(RATE * 3) / (RATE * 3)
    tone = 0.3 * np.sin(2 * np.pi * 1000 * time)
    whole = [(0.0, 1.0, "AA1")]
    rows = [
        row("1-1-0000", whole, sound_file(tone[::3])),
        row("1-1-0001", whole, sound_file(np.stack([tone[::3], tone[::3]], 1))),
        row("1-1-0002", whole, sound_file(tone, RATE * 3)),
        row("1-1-0003", whole, sound_file(tone[::3], subtype="PCM_U8", kind="WAV")),
    ]
    with LabelledFragments(fragments(tmp_path, rows)) as file:
        pictures = file.read(np.arange(4)).astype(np.float32)[:, 0, :, 8:-8]
    assert len({int(p.mean(1).argmax()) for p in pictures}) == 1
    loud = pictures[0] > -40
    for other in pictures[1:]:
        assert np.abs(other - pictures[0])[loud].max() < 2


@pytest.mark.parametrize("rate", [44100, 22050, 48000])
def test_a_tone_keeps_its_pitch_and_length_at_any_higher_rate(rate):
    """And what is above the Nyquist frequency of 16 kHz is gone, not folded back."""
    whole = np.sin(2 * np.pi * 1000 * np.arange(rate) / rate) * 0.3
    above = np.sin(2 * np.pi * 10000 * np.arange(rate) / rate) * 0.3
    sound = decode(sound_file(whole + above, rate))
    assert sound.shape == (RATE,)
    expected = np.sin(2 * np.pi * 1000 * np.arange(RATE) / RATE) * 0.3
    assert np.abs(sound - expected)[200:-200].max() < 0.003


def float_sound(*values: float, rate=RATE) -> bytes:
    """A second of noise in floats, with one sample of `values`, one a channel."""
    sound = np.stack([noise(rate=rate)] * len(values), 1)
    sound[rate // 2] = values
    return sound_file(sound, rate, subtype="FLOAT", kind="WAV")


def flac(samples: int | None = None, keep: int | None = None, md5: bytes | None = None) -> bytes:
    """A FLAC file of three seconds whose header says another length or MD5, or that lacks frames.

    Byte 18 on: rate (20 bits), channels (3), bits (5), samples (36); byte 26 on: the MD5.
    """
    content = bytearray(sound_file(noise(3.0)))
    if samples is not None:
        said = int.from_bytes(content[18:26], "big") >> 36 << 36 | samples
        content[18:26] = said.to_bytes(8, "big")
    if md5 is not None:
        content[26:42] = md5
    if keep is not None:
        starts = [k for k in range(len(content)) if content[k : k + 2] == b"\xff\xf8"]
        return bytes(content[: starts[keep]])
    return bytes(content)


def wav(**changes: int) -> bytes:
    """A WAV file of a second with another number in its header: of Hz, or bytes of samples."""
    content = bytearray(sound_file(noise(), kind="WAV"))
    places = {"rate": 24, "length": content.index(b"data") + 4}
    for name, value in changes.items():
        content[places[name] : places[name] + 4] = value.to_bytes(4, "little")
    return bytes(content)


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


def test_a_header_that_does_not_know_its_length_is_read_to_the_end(tmp_path):
    rows = [row("1-1-0000", sound=flac()), row("1-1-0001", sound=flac(0, md5=bytes(16)))]
    rows += [row("1-1-0002", sound=flac(0)), row("1-1-0003", sound=wav())]
    rows += [row("1-1-0004", sound=wav(length=2**32 - 1))]
    with LabelledFragments(fragments(tmp_path, rows)) as file:
        pictures = file.read(np.arange(10)).reshape(5, 2, 80, 64)
        assert file.info.source == "a test"
    assert np.array_equal(pictures[1], pictures[0])
    assert np.array_equal(pictures[2], pictures[0])
    assert np.array_equal(pictures[4], pictures[3])


def test_a_sound_without_end_is_refused():
    with pytest.raises(V3Error, match="longer than 600 s"):
        decode(sound_file(np.zeros(601 * RATE), subtype="PCM_S8"))


@pytest.mark.parametrize("subtype", ["PCM_S8", "PCM_16", "PCM_24"])
def test_all_depths_of_flac_have_the_md5_that_they_say(subtype):
    sound = noise()
    assert np.abs(decode(sound_file(sound, subtype=subtype)) - sound).max() < 0.01


@pytest.mark.skipif(not GENUINE.is_dir(), reason=f"no genuine shards in {GENUINE}")
def test_genuine_utterances_have_the_phonemes_that_they_should(tmp_path):
    raw = tmp_path / "raw"
    raw.mkdir()
    for path in GENUINE.glob("*.parquet"):
        (raw / path.name).symlink_to(path)
    splits = ("train_clean_100", "dev_clean", "test_clean")
    write_index(raw, splits, "genuine")
    write_fragments(raw, tmp_path / "fragments.h5", PARAMS, 1)
    truth = json.loads((MIRROR / "TRUTH.json").read_text())["librispeech"]
    skipped = Counter[str]()
    for path in GENUINE.glob("*.parquet"):
        for item in pq.read_table(path, columns=["id", "phonemes"]).to_pylist():
            labels = [p["phoneme"].rstrip("012").lower() for p in item["phonemes"]]
            skipped[item["id"]] = sum(label not in PHONEMES for label in labels)
    with LabelledFragments(tmp_path / "fragments.h5") as file:
        counts = dict(zip(file.sample_id, np.diff(file.starts).tolist(), strict=True))
        assert file.info.group_names == splits
        groups = [file.info.group_names[g] for g in file.group]
        assert groups == [truth[name]["split"] for name in file.sample_id]
    assert {k: v + skipped[k] for k, v in counts.items()} == {
        k: v["phonemes"] for k, v in truth.items()
    }
    assert all(skipped[k] >= v["spn"] for k, v in truth.items())
    assert sum(skipped.values()) < 0.005 * sum(counts.values())
