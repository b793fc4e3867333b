"""FluidSynth by way of midi2audio, always with the same settings, and what it complains of.

midi2audio calls FluidSynth with the person's own configuration (~/.fluidsynth or
/etc/fluidsynth.conf: reverb, gain, whatever shapes the sound), and looks neither at its exit code
nor at what it says. Here its renderer reads an empty configuration and gets every setting spelled
out: FluidSynth's own defaults, those of 2.3, so that the sound does not change with another's.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess

import numpy as np
from midi2audio import FluidSynth

from v3.base.errors import V3Error

INSTALL = "install FluidSynth (Debian, Ubuntu: `sudo apt install fluidsynth`) and run `dvc repro`"
SETTINGS: dict[str, str | int | float] = {
    "audio.file.format": "s16",
    "audio.file.type": "wav",
    "audio.period-size": 64,  # frames: events begin with one
    "player.reset-synth": 1,
    "player.timing-source": "sample",
    "synth.audio-channels": 1,
    "synth.audio-groups": 1,
    "synth.chorus.active": 1,
    "synth.chorus.depth": 8.0,
    "synth.chorus.level": 2.0,
    "synth.chorus.nr": 3,
    "synth.chorus.speed": 0.3,
    "synth.cpu-cores": 1,
    "synth.default-soundfont": "",  # or it stands in for one that cannot be loaded
    "synth.device-id": 0,
    "synth.dynamic-sample-loading": 0,
    "synth.effects-channels": 2,
    "synth.effects-groups": 1,
    "synth.gain": 0.2,
    "synth.ladspa.active": 0,
    "synth.lock-memory": 0,
    "synth.midi-bank-select": "gs",
    "synth.midi-channels": 16,
    "synth.min-note-length": 10,  # ms
    "synth.polyphony": 256,
    "synth.reverb.active": 1,
    "synth.reverb.damp": 0.0,
    "synth.reverb.level": 0.9,
    "synth.reverb.room-size": 0.2,
    "synth.reverb.width": 0.5,
}
# Warnings that leave the sound of our notes as it is; any other one is a failure. Presets are the
# business of `soundfont.check_programs`, but those of channel 0, where the notes are, are not let
# pass: there FluidSynth only warns of program 0, with which every channel begins.
HARMLESS = re.compile(
    r"(No preset|Instrument not) found on channel ([1-9]|1\d) |"
    r"(No preset|Instrument not) found on channel 0 \[bank=0 prog=0\]|"
    r"using it anyway|assuming mono|not referenced, discarding|Ignoring identical modulator|"
    r"loops were sanitized|trying to fix|setting to sample (start|end)|"
    r"Failed to pin the sample data|Failed to set thread to high priority"
)


class Synth(FluidSynth):
    """midi2audio's renderer with a SoundFont and a rate in Hz; `said` by FluidSynth, line by line.

    Settings are given on the command line, which midi2audio has no way to say.
    """

    said: tuple[str, ...] = ()
    exit_code: int = 0

    def midi_to_audio(self, midi_file: str, audio_file: str) -> None:
        """Render a MIDI file to a WAV file; `complaint` tells whether that went well."""
        spelled = [word for item in SETTINGS.items() for word in ("-o", _spelled(*item))]
        # -n, -i: no MIDI input, no shell; -f: this configuration instead of the person's own
        done = subprocess.run(
            [
                *("fluidsynth", "-ni", "-f", os.devnull, *spelled),
                *("-r", str(self.sample_rate), "-F", audio_file, self.sound_font, midi_file),
            ],
            env={**os.environ, "LC_ALL": "C"},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            check=False,
        )
        self.exit_code = done.returncode
        self.said = tuple(done.stdout.decode(errors="replace").splitlines())

    def complaint(self) -> str | None:
        """The first line that says that the last rendering is not what was asked for."""
        for line in map(str.strip, self.said):
            level = re.match(r"fluidsynth: (error|panic|warning): ", line)
            if level and (level[1] != "warning" or not HARMLESS.search(line)):
                return line
        if self.exit_code:
            last = self.said[-1].strip() if self.said else "nothing"
            return f"{last}, exit code {self.exit_code}"
        return None


def _spelled(name: str, value: str | int | float) -> str:
    # FluidSynth's defaults are of single precision: 0.9 in double is another sound in its last bit.
    return f"{name}={float(np.float32(value)) if isinstance(value, float) else value}"


def fluidsynth_version() -> str:
    """Version of the FluidSynth on PATH, as "2.3.1"; `V3Error` if there is none."""
    if shutil.which("fluidsynth") is None:
        raise V3Error(f"fluidsynth is not on PATH: {INSTALL}.")
    try:
        said = subprocess.run(["fluidsynth", "--version"], capture_output=True, text=True).stdout
    except OSError as error:
        raise V3Error(f"fluidsynth does not start ({error.strerror}): {INSTALL}.") from None
    words = said.partition("version ")[2].split()
    return words[0] if words else "unknown"
