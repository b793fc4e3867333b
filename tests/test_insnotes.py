"""InsNotes from score to fragment, with the real FluidSynth on a few notes."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pretty_midi
import pytest
import soundfile

from v3.base.errors import V3Error
from v3.base.files import file_digest, read_json, write_json
from v3.base.schema import read
from v3.corpora.insnotes.audio import envelope, render
from v3.corpora.insnotes.midi import write_midi
from v3.corpora.insnotes.notes import network_range, note_spectrograms, write_fragments
from v3.corpora.insnotes.params import AudioParams, MidiParams, StftParams
from v3.corpora.insnotes.soundfont import PRESET, find_soundfont, programs
from v3.corpora.insnotes.synth import Synth, fluidsynth_version
from v3.fragments.labels import LabelledFragments, validate

NOTES, INTERVAL = 13, 16896  # a round of all pitches and the first again; audio samples
MIDI = MidiParams(
    seed=0,
    files=1,
    unseen_files=1,
    programs={"oboe": 68},
    unseen_programs={"Grand Piano!": 0},
    first_pitch=60,
    last_pitch=71,
    notes=NOTES,
    note_seconds=1.0,
    interval_seconds=1.056,
    velocity=(80, 120),
)
AUDIO = AudioParams(seed=0, soundfont="pretty_midi", sample_rate=16000, gain=(0.8, 1.2), peak=0.9)
STFT = StftParams(n_fft=1024, hop=512, floor=1e-5, bins=512, frames=32)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """midi/, audio/ and fragments.h5 of two instruments; tests must not change them."""
    folder = tmp_path_factory.mktemp("insnotes")
    write_midi(folder / "midi", MIDI)
    render(folder / "midi", folder / "audio", AUDIO, 1)
    write_fragments(folder / "audio", folder / "fragments.h5", STFT)
    return folder


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


def test_scores(made: Path) -> None:
    midi = pretty_midi.PrettyMIDI(str(made / "midi" / "068-oboe-0000.mid"))
    (instrument,) = midi.instruments
    assert instrument.program == 68
    assert [note.pitch for note in instrument.notes] == [*range(60, 72), 60]
    starts = [note.start for note in instrument.notes]
    np.testing.assert_allclose(starts, np.arange(NOTES) * 1.056, atol=1e-9)
    np.testing.assert_allclose([n.end - n.start for n in instrument.notes], 1.0, atol=1e-9)
    velocities = [note.velocity for note in instrument.notes]
    assert min(velocities) >= 80
    assert max(velocities) <= 120
    assert len(set(velocities)) > 5


def test_scores_are_the_same_twice_and_more_files_change_none(tmp_path: Path, made: Path) -> None:
    write_midi(tmp_path / "midi", MIDI)
    assert contents(tmp_path / "midi") == contents(made / "midi")
    write_midi(tmp_path / "midi", MIDI.model_copy(update={"files": 2}))
    more = contents(tmp_path / "midi")
    for name, content in contents(made / "midi").items():
        assert name == "index.json" or more[name] == content
    assert more["068-oboe-0001.mid"] != more["068-oboe-0000.mid"]
    write_midi(tmp_path / "midi", MIDI.model_copy(update={"seed": 1}))
    assert contents(tmp_path / "midi")["068-oboe-0000.mid"] != more["068-oboe-0000.mid"]


def test_recordings(made: Path) -> None:
    index = read_json(made / "audio" / "index.json")
    assert index["soundfont"] == "TimGM6mb.sf2"
    assert index["soundfont_sha256"] == file_digest(find_soundfont("pretty_midi"))
    assert index["fluidsynth"] == fluidsynth_version()
    names = {"068-oboe-0000.wav", "000-grand-piano-0000.wav", "index.json"}
    assert set(contents(made / "audio")) == names
    for name in names - {"index.json"}:
        facts = soundfile.info(made / "audio" / name)
        assert (facts.samplerate, facts.channels, facts.subtype) == (16000, 1, "PCM_16")
        assert facts.frames == index["frames"] == NOTES * INTERVAL
        sound, _ = soundfile.read(made / "audio" / name)
        assert np.abs(sound).max() == pytest.approx(0.9, abs=1e-4)


def test_recordings_are_the_same_for_any_number_of_workers(tmp_path: Path, made: Path) -> None:
    render(made / "midi", tmp_path / "audio", AUDIO, 2)
    assert contents(tmp_path / "audio") == contents(made / "audio")


def test_envelope_is_continuous_and_follows_the_notes() -> None:
    curve = envelope(np.random.default_rng(3), 40, INTERVAL, (0.8, 1.2))
    assert curve.shape == (40 * INTERVAL,)
    assert curve.min() >= 0.8
    assert curve.max() <= 1.2
    steepest = 0.4 * np.pi / 2 / INTERVAL
    assert np.abs(np.diff(curve)).max() <= steepest * 1.01
    notes = curve.reshape(40, INTERVAL)
    straight = np.linspace(notes[:, 0], notes[:, -1], INTERVAL, axis=1)
    bend = np.abs(notes - straight).max(axis=1) / np.abs(notes[:, -1] - notes[:, 0])
    assert {"line", "sine"} == {"line" if b < 0.01 else "sine" for b in bend}
    assert bend.max() == pytest.approx(0.2105, abs=0.01)  # of sin(pi t / 2) - t, at cos = 2 / pi


def test_fragments(made: Path) -> None:
    info = validate(made / "fragments.h5")
    assert info.content_names[0] == "C4"
    assert info.content_names[-1] == "B4"
    assert info.style_names == ("oboe", "Grand Piano!")
    assert info.source.startswith("rendered: TimGM6mb.sf2 sha256 ")
    with LabelledFragments(made / "fragments.h5") as file:
        assert (file.shape, file.dtype) == ((1, 512, 32), np.float16)
        assert file.content.tolist() == 2 * [*range(12), 0]
        assert file.style.tolist() == [0, 1]
        assert file.sample_id == ["068-oboe-0000", "000-grand-piano-0000"]
        network = (file.read(np.arange(26)).astype(np.float32) - info.offset) * info.scale
    assert network.min() >= -2
    assert network.max() <= 2


def test_frames_hold_the_note_of_their_label(made: Path) -> None:
    """Of all twelve pitches, the one labelled has most in its first seven partials' bins."""
    with LabelledFragments(made / "fragments.h5") as file:
        magnitude = np.exp(file.read(np.arange(26)).astype(np.float64))[:, 0]
        labels = file.content
    frequency = 440 * 2 ** ((np.arange(60, 72) - 69) / 12)
    bins = np.rint(frequency[:, None] * np.arange(1, 8) / (16000 / 1024)).astype(int)  # (12, 7)
    for frames in (slice(2, 8), slice(8, 24), slice(24, 30)):
        score = magnitude[:, :, frames].mean(axis=2)[:, bins].sum(axis=2)  # (26, 12)
        np.testing.assert_array_equal(score.argmax(axis=1), labels)


def test_no_fragment_hears_its_neighbour() -> None:
    sound = np.zeros(3 * INTERVAL, np.float32)
    sound[INTERVAL : 2 * INTERVAL] = np.sin(np.arange(INTERVAL) * 0.3)
    spectra = note_spectrograms(sound, 3, INTERVAL, STFT)
    floor = np.float16(np.log(1e-5))
    assert (spectra[[0, 2]] == floor).all()
    assert (spectra[1].max(axis=1) > 4).all()


def test_a_full_scale_sine_is_two_and_silence_minus_two_for_the_network() -> None:
    offset, scale = network_range(STFT)
    sound = np.cos(2 * np.pi * 64 * np.arange(INTERVAL) / 1024).astype(np.float32)
    loud = note_spectrograms(sound, 1, INTERVAL, STFT).astype(float)
    assert (loud.max() - offset) * scale == pytest.approx(2, abs=2e-3)
    silent = note_spectrograms(np.zeros_like(sound), 1, INTERVAL, STFT).astype(float)
    assert (silent.max() - offset) * scale == pytest.approx(-2, abs=2e-3)


def test_spectra_match_their_definition() -> None:
    sound = np.random.default_rng(0).normal(0, 0.1, INTERVAL).astype(np.float32)
    window = np.hanning(1025)[:-1]
    frames = np.stack([sound[t * 512 : t * 512 + 1024] * window for t in range(32)], axis=1)
    expected = np.log(np.abs(np.fft.rfft(frames, axis=0))[:512] + 1e-5)
    found = note_spectrograms(sound, 1, INTERVAL, STFT)[0, 0]
    np.testing.assert_allclose(found, expected, atol=0.01)


def test_more_frames_than_a_note_has(made: Path, tmp_path: Path) -> None:
    with pytest.raises(V3Error, match=r"insnotes\.stft\.frames must be <= 32"):
        write_fragments(
            made / "audio", tmp_path / "fragments.h5", STFT.model_copy(update={"frames": 33})
        )
    assert list(tmp_path.iterdir()) == []


def refused(
    made: Path,
    tmp_path: Path,
    words: str,
    midi: Path | None = None,
    workers: int = 1,
    **changes: object,
) -> None:
    """Rendering ends in one sentence with `words`, and the old recordings stay."""
    (tmp_path / "audio").mkdir(exist_ok=True)
    (tmp_path / "audio" / "old").touch()
    before = sorted(path.name for path in tmp_path.iterdir())
    params = AUDIO.model_copy(update=changes)
    with pytest.raises(V3Error, match=words) as caught:
        render(midi or made / "midi", tmp_path / "audio", params, workers)
    assert "\n" not in str(caught.value)
    assert sorted(path.name for path in tmp_path.iterdir()) == before
    assert [path.name for path in (tmp_path / "audio").iterdir()] == ["old"]


def test_fluidsynth_not_on_path(
    made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", "")
    refused(made, tmp_path, "fluidsynth is not on PATH: install FluidSynth .*apt install")


def test_unreadable_soundfonts(made: Path, tmp_path: Path) -> None:
    refused(
        made, tmp_path, "none.sf2 cannot be read .No such file.*soundfont", soundfont="none.sf2"
    )
    refused(made, tmp_path, "cannot be read .Is a directory", soundfont=str(tmp_path))
    other = tmp_path / "other.sf2"
    for content in (b"", b"text", b"RIFF\x04\0\0\0WAVE"):
        other.write_bytes(content)
        refused(made, tmp_path, r"other\.sf2 is no SoundFont", soundfont=str(other))
    whole = find_soundfont("pretty_midi").read_bytes()
    other.write_bytes(whole[: len(whole) // 2])
    refused(made, tmp_path, r"other\.sf2 is cut short \(2997142 bytes", soundfont=str(other))


def test_a_soundfont_that_something_follows(made: Path, tmp_path: Path) -> None:
    """FluidSynth would render with it, complain once a file, and exit with 0."""
    longer = tmp_path / "longer.sf2"
    longer.write_bytes(find_soundfont("pretty_midi").read_bytes() + b"more")
    words = r"longer\.sf2 is followed by 4 bytes that are not of it: .*soundfont"
    refused(made, tmp_path, words, soundfont=str(longer))


def soundfont_with(path: Path, chunk: bytes, change) -> str:  # type: ignore[no-untyped-def]
    """The shipped SoundFont with the content of one chunk changed in place."""
    whole = bytearray(find_soundfont("pretty_midi").read_bytes())
    start = whole.rindex(chunk) + 8
    length = int.from_bytes(whole[start - 4 : start], "little")
    changed = change(bytes(whole[start : start + length]))
    assert len(changed) == length
    whole[start : start + length] = changed
    path.write_bytes(whole)
    return str(path)


def without(*numbers: int):  # type: ignore[no-untyped-def]
    """Presets of which some moved to another bank."""

    def move(content: bytes) -> bytes:
        presets = np.frombuffer(content, PRESET).copy()
        presets["bank"][np.isin(presets["program"], numbers)] = 8
        return presets.tobytes()

    return move


def test_the_shipped_soundfont_has_all_programs() -> None:
    assert programs(find_soundfont("pretty_midi")) == set(range(128))


def test_a_soundfont_that_lacks_programs(
    made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """FluidSynth would play another instrument for each, and exit with 0."""
    fake_fluidsynth(tmp_path / "bin", monkeypatch, '[ "$1" = --version ]')  # renders nothing
    lacking = soundfont_with(tmp_path / "few.sf2", b"phdr", without(0, 3))
    refused(made, tmp_path, r"few\.sf2 lacks the program 0 .Grand Piano!.*", soundfont=lacking)
    lacking = soundfont_with(tmp_path / "few.sf2", b"phdr", without(0, 68))
    words = r"lacks the programs 0 .Grand Piano!., 68 .oboe.: .*insnotes\.audio\.soundfont"
    refused(made, tmp_path, words, soundfont=lacking)


def test_a_soundfont_whose_chunks_are_no_chunks(made: Path, tmp_path: Path) -> None:
    whole = find_soundfont("pretty_midi").read_bytes()
    broken = tmp_path / "broken.sf2"
    for content in (
        whole[:12] + bytes(len(whole) - 12),
        whole.replace(b"phdr", b"rdhp"),
        whole.replace(b"pdta", b"atdp"),
    ):
        broken.write_bytes(content)
        refused(
            made, tmp_path, r"broken\.sf2 is damaged, it lists no presets", soundfont=str(broken)
        )


@pytest.mark.parametrize("workers", [1, 2])
@pytest.mark.parametrize(
    ("chunk", "change", "words"),
    [
        (b"pbag", lambda content: b"\xff" * len(content), "(error|warning): "),
        (b"shdr", lambda content: bytes(len(content)), "(error|warning): "),
        # the first sample lies in a ROM of other synthesisers: type 0x8001
        (
            b"shdr",
            lambda content: content[:44] + b"\x01\x80" + content[46:],
            "warning: Sample .*ROM sample ignored",
        ),
    ],
)
def test_what_fluidsynth_complains_of_is_no_success(
    made: Path, tmp_path: Path, workers: int, chunk: bytes, change, words: str
) -> None:  # type: ignore[no-untyped-def]
    """It would render with what is left, or silence, and exit with 0."""
    refused(
        made,
        tmp_path,
        rf"no whole sound file of .*\.mid .FluidSynth said: .*{words}.*insnotes\.audio\.soundfont",
        soundfont=soundfont_with(tmp_path / "broken.sf2", chunk, change),
        workers=workers,
    )


def test_a_configuration_of_the_persons_own_changes_nothing(
    made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / ".fluidsynth").write_text(
        "set synth.reverb.active 0\nset synth.gain 1\ngain 2\nchorus 0\nrouter_clear\n"
    )
    for name in ("HOME", "XDG_CONFIG_HOME"):
        monkeypatch.setenv(name, str(tmp_path))
    render(made / "midi", tmp_path / "audio", AUDIO, 1)
    assert contents(tmp_path / "audio") == contents(made / "audio")


def test_settings_spelled_out_are_fluidsynths_own(made: Path, tmp_path: Path) -> None:
    """Those of 2.3: what a person without any configuration hears."""
    if not fluidsynth_version().startswith("2.3."):
        pytest.skip("another FluidSynth, with other settings of its own")
    midi, soundfont = made / "midi" / "068-oboe-0000.mid", find_soundfont("pretty_midi")
    plain = ["fluidsynth", "-ni", "-f", os.devnull, "-r", "16000"]
    subprocess.run([*plain, "-F", tmp_path / "plain.wav", soundfont, midi], check=True)
    Synth(str(soundfont), 16000).midi_to_audio(str(midi), str(tmp_path / "ours.wav"))
    assert (tmp_path / "ours.wav").read_bytes() == (tmp_path / "plain.wav").read_bytes()


# shell: leaves for --version, else goes on to `-F WAV`, so that "$2" is the file to write
TO_WAV = '[ "$1" = --version ] && exit 0; while [ "$1" != -F ]; do shift; done; '


def fake_fluidsynth(folder: Path, monkeypatch: pytest.MonkeyPatch, script: str) -> None:
    folder.mkdir()
    program = folder / "fluidsynth"
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")


@pytest.mark.parametrize(
    ("seconds", "level", "words"),
    [
        (None, 0, r"made no whole sound file of .*oboe-0000\.mid"),
        (5.0, 0.5, r"oboe-0000\.mid has 80000 frames at 16000 Hz where 219648"),
        (20.0, 0.0, r"Note 0 of .*oboe-0000\.mid is silent"),
    ],
)
def test_what_fluidsynth_may_leave(
    made: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    seconds: float | None,
    level: float,
    words: str,
) -> None:
    wav = tmp_path / "made.wav"
    if seconds is not None:
        soundfile.write(wav, np.full((int(seconds * 16000), 2), level), 16000)
    fake_fluidsynth(tmp_path / "bin", monkeypatch, f'{TO_WAV}cp {wav} "$2" 2>/dev/null; exit 0')
    refused(made, tmp_path, words)


@pytest.mark.parametrize(
    ("said", "exit_code", "words"),
    [
        ("fluidsynth: warning: Something of a later one", 0, "FluidSynth said: .*later one"),
        ("fluidsynth: warning: Instrument not found on channel 0 [bank=0 prog=68], substituted "
         "[bank=0 prog=0]", 0, "prog=68"),
        ("fluidsynth: warning: No preset found on channel 0 [bank=0 prog=68]", 0, "prog=68"),
        ("Setting parameter 'synth.gain' not found", 255, "'synth.gain' not found, exit code 255"),
    ],
)  # fmt: skip
def test_what_fluidsynth_may_say(
    made: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    said: str,
    exit_code: int,
    words: str,
) -> None:
    wav = tmp_path / "made.wav"
    soundfile.write(wav, np.full((20 * 16000, 2), 0.5), 16000)
    script = f'{TO_WAV}cp {wav} "$2"; echo "{said}" >&2; exit {exit_code}'
    fake_fluidsynth(tmp_path / "bin", monkeypatch, script)
    refused(made, tmp_path, words)


def test_warnings_of_what_no_score_plays_are_none(
    made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wav = tmp_path / "made.wav"
    soundfile.write(wav, np.full((20 * 16000, 2), 0.5), 16000)
    warnings = (
        "No preset found on channel 9 [bank=128 prog=0]",
        "Instrument not found on channel 10 [bank=0 prog=0], substituted [bank=0 prog=68]",
        "Failed to pin the sample data to RAM; swapping is possible.",
    )
    said = "; ".join(f'echo "fluidsynth: warning: {warning}" >&2' for warning in warnings)
    fake_fluidsynth(tmp_path / "bin", monkeypatch, f'{TO_WAV}cp {wav} "$2"; {said}')
    render(made / "midi", tmp_path / "audio", AUDIO, 1)
    assert len(contents(tmp_path / "audio")) == 3


def test_fluidsynth_writes_no_sound(
    made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake_fluidsynth(tmp_path / "bin", monkeypatch, f'{TO_WAV}echo nonsense > "$2"')
    refused(made, tmp_path, r"oboe-0000\.mid cannot be read")


def test_missing_scores(made: Path, tmp_path: Path) -> None:
    folder = tmp_path / "midi"
    folder.mkdir()
    refused(made, tmp_path, r"index\.json is missing: run `dvc repro`", midi=folder)
    (folder / "index.json").write_text('{"schema": "another"}')
    refused(made, tmp_path, r"index\.json is no index of v3-insnotes-midi/1", midi=folder)
    (folder / "index.json").write_bytes((made / "midi" / "index.json").read_bytes())
    refused(made, tmp_path, r"068-oboe-0000\.mid is missing", midi=folder)


@pytest.mark.parametrize(
    ("keys", "value", "words"),
    [
        (["pitches"], 7, r"index\.json\.pitches must be a list"),
        (["pitches"], [], r"index\.json\.pitches must have 1 items or more"),
        (["interval_seconds"], None, r"index\.json\.interval_seconds must be a number"),
        (["files", 1, "program"], 200, r"index\.json\.files\[1\]\.program must be <= 127"),
        (["files", 0, "name"], "../../068", r"index\.json\.files\[0\]\.name does not fit"),
        (["more"], 1, r"index\.json\.more is not a parameter"),
    ],
)
def test_an_index_that_was_edited(made: Path, tmp_path: Path, keys, value, words) -> None:  # type: ignore[no-untyped-def]
    (tmp_path / "midi").mkdir()
    index = inner = read_json(made / "midi" / "index.json")
    for key in keys[:-1]:
        inner = inner[key]
    inner[keys[-1]] = value
    write_json(tmp_path / "midi" / "index.json", index)
    refused(made, tmp_path, words + ".*: delete .*midi and run `dvc repro`", tmp_path / "midi")


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"note_seconds": 1e-9}, r"note_seconds must be >= 0\.002, is 1e-09"),
        ({"interval_seconds": 1e9}, "notes must be <= 0 .a file of 10800 s .*, is 13"),
    ],
)
def test_scores_that_would_never_end(changes: dict[str, float], words: str) -> None:
    with pytest.raises(V3Error, match=f"insnotes.midi.{words}"):
        read(MidiParams, MIDI.model_dump() | changes, "insnotes.midi")


def test_scores_and_recordings_that_were_changed(made: Path, tmp_path: Path) -> None:
    """They are well formed, so nothing but a digest tells."""
    for folder in ("midi", "audio"):
        shutil.copytree(made / folder, tmp_path / folder)
    oboe, piano = (tmp_path / "midi" / f"{n}-0000.mid" for n in ("068-oboe", "000-grand-piano"))
    oboe.write_bytes(piano.read_bytes())
    words = r"oboe-0000\.mid is not the file that .*index\.json tells of .*: delete .*midi and run"
    with pytest.raises(V3Error, match=words):
        render(tmp_path / "midi", tmp_path / "other", AUDIO, 1)
    with open(tmp_path / "audio" / "068-oboe-0000.wav", "r+b") as file:
        file.seek(5000)
        file.write(b"\1\2\3\4")
    with pytest.raises(V3Error, match=r"oboe-0000\.wav is not the file .*: delete .*audio and run"):
        write_fragments(tmp_path / "audio", tmp_path / "fragments.h5", STFT)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["audio", "midi"]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda path: os.truncate(path, path.stat().st_size // 2), "is damaged or cut short"),
        (lambda path: os.truncate(path, 20), "oboe-0000.wav is no readable sound file"),
        (lambda path: path.write_bytes(b""), "oboe-0000.wav is no readable sound file"),
        (lambda path: path.unlink(), "oboe-0000.wav is missing"),
        (lambda path: soundfile.write(path, np.zeros((NOTES * INTERVAL, 2)), 16000), "2 channels"),
        (lambda path: soundfile.write(path, np.zeros(NOTES * INTERVAL), 44100), "44100 Hz"),
        (lambda path: (path.parent / "index.json").write_text("{"), "no readable JSON"),
        (
            lambda path: (path.parent / "index.json").write_text("{}"),
            "is no index of v3-insnotes-audio/1",
        ),
    ],
)
def test_damaged_recordings(made: Path, tmp_path: Path, change, words: str) -> None:  # type: ignore[no-untyped-def]
    audio = tmp_path / "audio"
    audio.mkdir()
    for name, content in contents(made / "audio").items():
        (audio / name).write_bytes(content)
    change(audio / "068-oboe-0000.wav")
    with pytest.raises(V3Error, match=words) as caught:
        write_fragments(audio, tmp_path / "fragments.h5", STFT)
    assert "dvc repro" in str(caught.value)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["audio"]
