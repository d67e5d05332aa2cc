"""Compressed sound and its containers: FLAC, Ogg, MP3, AIFF and what else libsndfile reads."""

from __future__ import annotations

from pathlib import Path

from edgekit.readers.full_scale import channel_names, scaled
from edgekit.tables.reading import Reading, UnreadableError, import_reader

LARGEST = 1 << 30  # bytes of samples


def read(path: Path, name: str) -> list[Reading]:
    """Samples as shares of full scale, -1 … 1. Raises UnreadableError."""
    soundfile = import_reader("soundfile")
    try:
        with soundfile.SoundFile(path) as file:
            rate, channels, kind = file.samplerate, file.channels, f"{file.format}, {file.subtype}"
            if file.frames * channels * 4 > LARGEST:
                raise UnreadableError(f"claims {file.frames:,} samples of {channels} channels")
            samples = file.read(dtype="float32", always_2d=True)
    except (soundfile.LibsndfileError, RuntimeError, ValueError, OSError) as error:
        text = " ".join(str(error).split(":")[-1].split())[:80]
        raise UnreadableError(f"is no sound that can be decoded ({text})") from None
    if not len(samples):
        raise UnreadableError("is empty: it holds no sample")
    samples, unit, notes = scaled(samples)
    return [
        Reading(
            name, samples, float(rate), channel_names(channels), unit, sound=unit == "full scale",
            notes=tuple(notes), meta={"format": kind},
        )
    ]  # fmt: skip
