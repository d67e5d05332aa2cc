"""Arrhythmia recordings of real patients: the MIT-BIH database, and one record of the AHA's.

G. Moody, R. Mark, "The impact of the MIT-BIH Arrhythmia Database", IEEE Eng. in Med. and Biol. 20(3),
2001. The split of patients is that of P. de Chazal, M. O'Dwyer, R. Reilly, "Automatic classification of
heartbeats using ECG morphology and heartbeat interval features", IEEE Trans. BME 51(7), 2004; the beat
classes are those of ANSI/AAMI EC57. `data/mitbih.toml` is the card, with the flaws.
"""

from __future__ import annotations

import hashlib
import os
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from edgekit.core.errors import EdgekitError
from edgekit.core.extras import missing
from edgekit.data.recordings import TARGET, Recording
from edgekit.datasets import wfdb_files
from edgekit.datasets.download_notice import announce
from edgekit.datasets.sources import cache_folder, sources

if TYPE_CHECKING:
    import pandas as pd

WHOLE = "checked"  # a file that says that the download is complete
VARIABLE = "EDGEKIT_MITBIH"  # a folder with the .hea, .dat and .atr files
LICENCE = "Open Data Commons Attribution License v1.0 (ODC-By); credit PhysioNet, MIT-BIH"
# de Chazal's halves: 22 patients to develop with, 22 others to judge by. Never mixed.
DS1 = (
    *("101", "106", "108", "109", "112", "114", "115", "116", "118", "119", "122"),
    *("124", "201", "203", "205", "207", "208", "209", "215", "220", "223", "230"),
)
DS2 = (
    *("100", "103", "105", "111", "113", "117", "121", "123", "200", "202", "210"),
    *("212", "213", "214", "219", "221", "222", "228", "231", "232", "233", "234"),
)
AAMI = {
    **dict.fromkeys("NLRej", "N"),  # begins in the sinus node or at the AV junction, in time
    **dict.fromkeys("AaJS", "S"),  # supraventricular ectopic: too early, from above the ventricles
    **dict.fromkeys("VE", "V"),  # ventricular ectopic: from within the ventricles
    "F": "F",  # a fusion of a normal and a ventricular beat
    **dict.fromkeys("/fQ?", "Q"),  # paced, or nobody can say
    **dict.fromkeys("Bnr", "Q"),  # not used in this database
}


def folder() -> Path | None:
    """Where the records are: `EDGEKIT_MITBIH`, else what `download` fetched, else None.

    Raises EdgekitError where the variable names a folder without records.
    """
    chosen = os.environ.get(VARIABLE)
    if chosen:
        path = Path(chosen).expanduser()
        if not any(path.glob("*.hea")):
            raise EdgekitError(f"{VARIABLE} is {path}, and there is no .hea file in it")
        return path
    fetched = cache_folder() / "mitbih"
    return fetched if (fetched / WHOLE).is_file() else None


def load(folder: Path | str, lead: str = "MLII") -> list[Recording]:
    """The patients of DS1 and DS2 that lie in a folder, those of DS1 first; one lead of each.

    Samples in mV, (time, 1), 360 Hz; `events` are the beats `(r, r + 1, AAMI class)`, and `meta` has
    the set ("DS1", "DS2"), the symbols counted, and stretches of flutter. `lead` is the modified limb
    lead II, wherever in the file it stands. Paced patients are left out. Raises EdgekitError where
    there is no patient, or one is damaged.
    """
    folder = Path(folder)
    found = {path.stem for path in folder.glob("*.hea")}
    recordings = [read(folder / name, lead) for name in (*DS1, *DS2) if name in found]
    if not recordings:
        raise EdgekitError(f"{folder} holds no patient of the MIT-BIH arrhythmia database")
    return recordings


def read(path: Path | str, lead: str | None = None, source: str = "mitbih") -> Recording:
    """One WFDB record as a recording of one lead: the named one where it exists, else the first."""
    path = Path(path)
    record = wfdb_files.read(path)
    channel = record.channels.index(lead) if lead in record.channels else 0
    signal = record.signals[:, channel]
    known = np.isfinite(signal)
    if not known.any():
        raise EdgekitError(f"{path} holds no valid sample")
    if not known.all():  # a few invalid samples: a straight line over them, and it is said in meta
        at = np.arange(len(signal))
        signal = np.interp(at, at[known], signal[known])
    symbols: dict[str, int] = {}
    for _, symbol in record.beats:
        symbols[symbol] = symbols.get(symbol, 0) + 1
    return Recording(
        name=path.name,
        samples=signal.astype(np.float32),
        rate=record.rate,
        label=None,
        group=path.name,
        domain=TARGET,
        channels=(record.channels[channel],),
        unit="mV",
        licence=LICENCE if source == "mitbih" else sources()[source].licence,
        source=source,
        meta={
            "set": "DS1" if path.name in DS1 else "DS2" if path.name in DS2 else "",
            "symbols": symbols,
            "invalid": int((~known).sum()),
            "flutter": [(a, min(b, len(signal))) for a, b in record.flutter],
        },
        events=tuple((r, r + 1, AAMI[symbol]) for r, symbol in record.beats),
    )


def outside(folder: Path | str) -> Recording:
    """Record 0001 of the AHA database in a folder that `fetch("aha-0001")` returned; first lead, mV, 250 Hz.

    Only its annotated half hour, with 20 s before it, is kept.
    """
    found = sorted(Path(folder).rglob("0001.hea"))
    if not found:
        raise EdgekitError(
            f"0001.hea is not in {folder}; remove that folder and fetch 'aha-0001' again"
        )
    whole = read(found[0].with_suffix(""), source="aha-0001")
    start = max(0, whole.events[0][0] - round(20 * whole.rate))
    events = tuple((a - start, b - start, label) for a, b, label in whole.events)
    return replace(whole, samples=whole.samples[start:], events=events)


def table(recordings: list[Recording], classes=("N", "S", "V")) -> pd.DataFrame:
    """How many beats of each AAMI class a patient has; `left out` are those not among `classes`."""
    import pandas as pd

    order = ("N", "S", "V", "F", "Q")
    rows = {
        r.name: {c: sum(label == c for *_, label in r.events) for c in order} for r in recordings
    }
    beats = pd.DataFrame.from_dict(rows, orient="index", columns=order).rename_axis("patient")
    beats.loc["all"] = beats.sum()
    beats["left out"] = beats[[c for c in order if c not in classes]].sum(axis=1)
    return beats


def download(folder: Path | str | None = None) -> Path:
    """The 44 patients from PhysioNet, by the `wfdb` package; checked, then found by `folder()`.

    Shows the licence first. Files of DS1 must have the SHA-256 of `mitbih_sha256.txt`; of the others the
    signals must have their 1,950,000 bytes, and all must be readable. Raises EdgekitError without the
    package or the network, or where a file is not what it should be (it is removed).
    """
    try:
        import wfdb
    except ImportError:
        raise missing("downloading from PhysioNet needs", "wfdb") from None
    folder = Path(folder) if folder else cache_folder() / "mitbih"
    announce("MIT-BIH Arrhythmia Database", 90, LICENCE, home="PhysioNet", note="44 patients")
    folder.mkdir(parents=True, exist_ok=True)
    try:
        wfdb.dl_database("mitdb", str(folder), records=[*DS1, *DS2], annotators=["atr"])
    except Exception as error:  # whatever the network or the package raises
        raise EdgekitError(
            f"cannot download the database ({type(error).__name__}); check the network, or set "
            f"{VARIABLE} to a folder that holds it"
        ) from None
    check(folder)
    (folder / WHOLE).touch()
    return folder


def check(folder: Path | str) -> None:
    """Raises EdgekitError, and removes the file, where one of the 44 patients' is missing or changed."""
    folder = Path(folder)
    words = Path(__file__).with_name("mitbih_sha256.txt").read_text(encoding="ascii").split()
    pinned = dict(zip(words[1::2], words[::2], strict=True))
    for name in (*DS1, *DS2):
        for path in (folder / f"{name}.{ending}" for ending in ("hea", "dat", "atr")):
            if not path.is_file():
                raise EdgekitError(f"{path} is missing; run `edgekit data get mitbih` again")
            wrong = path.suffix == ".dat" and path.stat().st_size != 1_950_000
            if path.name in pinned:
                wrong = hashlib.sha256(path.read_bytes()).hexdigest() != pinned[path.name]
            if wrong:
                path.unlink()
                raise EdgekitError(f"{path} was damaged and is removed; fetch mitbih again")
        wfdb_files.read(folder / name)
