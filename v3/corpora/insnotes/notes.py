"""InsNotes, third step: recordings -> log-magnitude spectrograms of single notes.

A sample is one recording, a fragment one of its notes: (1, bins, frames) of log(|STFT| + floor).
Content is the pitch, style the instrument. Windows are not centred on their time but start there:
32 frames of 1024 points at hop 512 then span 1.056 s at 16 kHz, just the interval from note to
note, and no fragment hears its neighbour's note.
"""

from __future__ import annotations

from pathlib import Path

import librosa
import numpy as np
import soundfile
from numpy.typing import NDArray

from v3.base.errors import V3Error
from v3.base.progress import Progress
from v3.corpora.insnotes.audio import SCHEMA, Recordings
from v3.corpora.insnotes.midi import Score, check_score, read_index
from v3.corpora.insnotes.params import StftParams
from v3.fragments.format import FragmentInfo
from v3.fragments.writer import FragmentWriter


def write_fragments(audio_folder: str | Path, path: str | Path, params: StftParams) -> None:
    """Write the fragment file (float16) of all recordings of `audio_folder`, in the index' order.

    `V3Error` names a recording that is missing, cut short or of another kind than the index says.
    """
    folder = Path(audio_folder)
    index = read_index(folder, SCHEMA, Recordings)
    offset, scale = network_range(params)
    info = FragmentInfo(
        dataset="insnotes",
        source=(
            f"rendered: {index.soundfont} sha256 {index.soundfont_sha256[:16]}...; "
            f"FluidSynth {index.fluidsynth}"
        ),
        content_names=index.pitch_names,
        style_names=index.instruments,
        offset=offset,
        scale=scale,
    )
    interval = round(index.interval_seconds * index.sample_rate, 6)
    pitches = np.asarray(index.pitches)
    shape = (1, params.bins, params.frames)
    with FragmentWriter(path, info, shape, np.float16) as writer:
        for score in Progress(index.files, unit="file"):
            sound = _read(folder / f"{score.name}.wav", score, index)
            writer.append(
                note_spectrograms(sound, len(pitches), interval, params),
                pitches,
                info.style_names.index(score.instrument),
                score.name,
            )


def note_spectrograms(
    sound: NDArray[np.float32], notes: int, interval_frames: float, params: StftParams
) -> NDArray[np.float16]:
    """Natural log of magnitudes (notes, 1, bins, frames) of a recording (samples,).

    Note i is what begins at i * interval_frames. `V3Error` if the frames asked for reach into the
    next note.
    """
    length = params.n_fft + (params.frames - 1) * params.hop
    most = int((interval_frames - params.n_fft) // params.hop) + 1
    if params.frames > most:
        raise V3Error(
            f"insnotes.stft.frames must be <= {most}"
            f", or a fragment reaches into the next note, is {params.frames}."
        )
    starts = np.floor(np.arange(notes) * interval_frames).astype(int)
    cut = sound[starts[:, None] + np.arange(length)]  # (notes, length)
    spectrum = librosa.stft(cut, n_fft=params.n_fft, hop_length=params.hop, center=False)
    level = np.log(np.abs(spectrum[:, None, : params.bins]) + params.floor)
    return level.astype(np.float16)


def network_range(params: StftParams) -> tuple[float, float]:
    """Offset and scale that bring the logarithms into [-2, 2], notes to a deviation of some 0.5.

    The least is log(floor); the most log(n_fft / 4), for a sine of amplitude 1 in a Hann window,
    whose weights sum to n_fft / 2, half of it on either side of zero frequency.
    """
    least, most = np.log(params.floor), np.log(params.n_fft / 4)
    return float((least + most) / 2), float(4 / (most - least))


def _read(path: Path, score: Score, index: Recordings) -> NDArray[np.float32]:
    mend = f"delete {path.parent} and run `dvc repro`"
    if not path.is_file():
        raise V3Error(f"{path} is missing: {mend}.")
    try:
        sound, rate = soundfile.read(path, dtype="float32", always_2d=True)
    except (soundfile.LibsndfileError, RuntimeError) as error:
        raise V3Error(f"{path} is no readable sound file ({error}): {mend}.") from None
    found = (len(sound), sound.shape[1], rate)
    if found != (index.frames, 1, index.sample_rate):
        raise V3Error(
            f"{path} is damaged or cut short ({found[0]} frames, {found[1]} channels, "
            f"{found[2]} Hz; {index.frames}, 1, {index.sample_rate} were written): {mend}."
        )
    check_score(path, score)
    return sound[:, 0]
