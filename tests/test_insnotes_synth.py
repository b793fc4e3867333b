"""InsNotes: SoundFonts that will not do, and all that FluidSynth may do but render."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import numpy as np
import pytest
import soundfile
from insnotes_recordings import AUDIO, contents, refused
from insnotes_recordings import made as made  # a fixture: pytest looks for it here

from v3.corpora.insnotes.audio import render
from v3.corpora.insnotes.soundfont import PRESET, find_soundfont, programs
from v3.corpora.insnotes.synth import Synth, fluidsynth_version


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
