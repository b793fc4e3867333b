"""Librispeech from shards to fragments, of made utterances and of genuine ones."""

import json
from collections import Counter

import numpy as np
import pyarrow.parquet as pq
import pytest
from librispeech_rows import GENUINE, MIRROR, PARAMS, fragments, noise, row, shard, sound_file

from v3.base.errors import V3Error
from v3.base.files import file_digest, read_json, write_json
from v3.corpora.librispeech.phonemes import CHUNK, PHONEMES, write_fragments
from v3.corpora.librispeech.shards import write_index
from v3.fragments.labels import LabelledFragments, validate


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
