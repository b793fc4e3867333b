"""Librispeech's shards: columns, types and bytes that are not as they should be."""

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from librispeech_rows import PARAMS, fragments, noise, row, shard, sound_file

from v3.base.errors import V3Error
from v3.base.files import file_digest
from v3.corpora.librispeech.phonemes import write_fragments
from v3.standins.librispeech.shards import SCHEMA


def test_a_shard_without_a_column_is_named(tmp_path):
    for name in ("id", "audio", "phonemes"):
        fewer = pa.schema([field for field in SCHEMA if field.name != name])
        whole = row()
        path = shard(tmp_path / name, [{k: whole[k] for k in fewer.names}], schema=fewer)
        with pytest.raises(V3Error, match=f"{path.name} has no column '{name}'"):
            write_fragments(tmp_path / name, tmp_path / "fragments.h5", PARAMS, 1)


TEXT, BYTES, FLOAT = pa.string(), pa.binary(), pa.float64()
SPAN = {"start": FLOAT, "end": FLOAT, "phoneme": TEXT}
AUDIO = {"bytes": BYTES, "path": TEXT}


def phonemes(**kinds: pa.DataType | None) -> pa.DataType:
    """A column of phonemes some of whose parts have another type, or are not there."""
    return pa.list_(pa.struct([(k, v) for k, v in (SPAN | kinds).items() if v is not None]))


@pytest.mark.parametrize(
    ("column", "kind", "words"),
    [
        ("id", pa.int64(), "has int64 in its column 'id', not text"),
        ("audio", BYTES, "has binary in its column 'audio', not a struct"),
        ("audio", pa.struct([("path", TEXT)]), "has no column 'audio.bytes', only path"),
        ("audio", pa.struct(AUDIO | {"bytes": TEXT}), "has string in its column 'audio.bytes'"),
        ("phonemes", TEXT, "has string in its column 'phonemes', not a list"),
        ("phonemes", pa.list_(TEXT), r"has string in its column 'phonemes\[\]', not a struct"),
        (
            "phonemes",
            phonemes(phoneme=None),
            r"has no column 'phonemes\[\].phoneme', only start, end",
        ),
        (
            "phonemes",
            phonemes(phoneme=pa.int8()),
            r"has int8 in .*'phonemes\[\].phoneme', not text",
        ),
        ("phonemes", phonemes(start=TEXT), r"has string in its column 'phonemes\[\].start'"),
        (
            "phonemes",
            phonemes(end=TEXT),
            "has string in .*, not a floating-point number: it is no",
        ),
    ],
)
def test_a_column_of_another_type_is_named(tmp_path, column, kind, words):
    schema = pa.schema([pa.field(f.name, kind if f.name == column else f.type) for f in SCHEMA])
    path = shard(tmp_path / "raw", [row() | {column: None}], schema=schema)
    with pytest.raises(V3Error, match=f"^{path} {words}"):
        write_fragments(tmp_path / "raw", tmp_path / "fragments.h5", PARAMS, 1)
    assert [p.name for p in tmp_path.iterdir()] == ["raw"]


def test_types_that_say_the_same_are_read(tmp_path):
    """Long offsets, single precision, lists of a fixed length, other columns and another order."""
    large = pa.large_string()
    single = phonemes(start=pa.float32(), end=pa.float32(), phoneme=large).value_type
    kinds = {
        "id": large,
        "audio": pa.struct({"bytes": pa.large_binary()}),
        "more": pa.int8(),
    }
    written = []
    for name, listed in (("large", pa.large_list(single)), ("fixed", pa.list_(single, 3))):
        schema = pa.schema([("phonemes", listed), *kinds.items()])
        shard(tmp_path / name, [row("19-1-0000"), row("19-1-0001")], schema=schema)
        write_fragments(tmp_path / name, tmp_path / f"{name}.h5", PARAMS, 1)
        written.append(file_digest(tmp_path / f"{name}.h5"))
    path = fragments(tmp_path, [row("19-1-0000"), row("19-1-0001")])
    assert set(written) == {file_digest(path)}


def test_a_shard_with_any_byte_changed_is_read_or_refused(tmp_path):
    path = shard(tmp_path / "raw", [row(sound=sound_file(noise(0.95)))])
    whole = path.read_bytes()
    rng = np.random.default_rng(0)
    refused = []
    for _ in range(150):
        changed = bytearray(whole)
        changed[len(whole) - 1 - rng.integers(4000)] ^= rng.integers(1, 256)
        path.write_bytes(changed)
        try:
            write_fragments(tmp_path / "raw", tmp_path / "fragments.h5", PARAMS, 1)
        except V3Error as error:
            refused.append(str(error))
    assert len(refused) > 20
    for sentence in refused:
        assert str(tmp_path) in sentence
        assert "\n" not in sentence


def test_bytes_that_are_no_text_are_damage(tmp_path):
    path = shard(tmp_path / "raw", [row()])
    path.write_bytes(path.read_bytes().replace(b"19-1-0000", b"19-1-000\xff"))
    with pytest.raises(V3Error, match=f"^{path} is no whole parquet file .*'utf-8' codec"):
        write_fragments(tmp_path / "raw", tmp_path / "fragments.h5", PARAMS, 1)


def test_advice_brings_a_shard_again_only_where_it_is_not_the_one_that_came(tmp_path):
    schema = pa.schema([f if f.name != "id" else pa.field("id", pa.int64()) for f in SCHEMA])
    path = shard(tmp_path / "raw", [row() | {"id": 1}], schema=schema)
    with pytest.raises(V3Error) as caught:
        write_fragments(tmp_path / "raw", tmp_path / "fragments.h5", PARAMS, 1)
    assert "delete" not in str(caught.value)
    assert "it came so, and would come so again: set librispeech.download" in str(caught.value)
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(V3Error) as caught:
        write_fragments(tmp_path / "raw", tmp_path / "fragments.h5", PARAMS, 1)
    assert f"it is not as it came, delete {path.parent} and run `dvc repro`" in str(caught.value)


def test_a_shard_that_may_not_be_read_is_not_called_damaged(tmp_path, monkeypatch):
    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied")

    path = shard(tmp_path / "raw", [row()])
    monkeypatch.setattr(pq, "ParquetFile", refuse)
    with pytest.raises(V3Error, match=f"^{path} cannot be read .Permission denied.: mend that"):
        write_fragments(tmp_path / "raw", tmp_path / "fragments.h5", PARAMS, 1)


def test_a_damaged_shard_is_named(tmp_path):
    path = shard(tmp_path / "raw", [row(f"19-1-{k:04d}") for k in range(12)])
    whole = path.read_bytes()
    middle = len(whole) // 3
    for damaged in (
        whole[: len(whole) // 2],
        b"",
        b"PAR1" + b"x" * 50,
        whole[:middle] + bytes(2000) + whole[middle + 2000 :],
    ):
        path.write_bytes(damaged)
        with pytest.raises(V3Error, match=path.name):
            write_fragments(tmp_path / "raw", tmp_path / "fragments.h5", PARAMS, 1)
    path.unlink()
    with pytest.raises(V3Error, match="is missing"):
        write_fragments(tmp_path / "raw", tmp_path / "fragments.h5", PARAMS, 1)
    (tmp_path / "raw" / "index.json").write_text("[]")
    with pytest.raises(V3Error, match="lists no shards"):
        write_fragments(tmp_path / "raw", tmp_path / "fragments.h5", PARAMS, 1)
    assert [p.name for p in tmp_path.iterdir()] == ["raw"]
