"""The MFPT bearing set: twenty recordings of a real rig, the "field" of the bearing use case.

E. Bechhoefer, "Condition Based Maintenance Fault Database for Testing Diagnostics and Prognostic
Algorithms", MFPT 2013. `data/mfpt.toml` is its card, with its flaws.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from edgekit.core.errors import EdgekitError
from edgekit.data.recordings import TARGET, Recording
from edgekit.datasets.bearing_physics import NICE
from edgekit.datasets.sources import sources

LABELS = {"baseline": "normal", "OuterRaceFault": "outer", "InnerRaceFault": "inner"}
NAMES = (
    *(f"baseline_{i}" for i in (1, 2, 3)),
    *(f"OuterRaceFault_{i}" for i in (1, 2, 3)),
    *(f"OuterRaceFault_vload_{i}" for i in range(1, 8)),
    *(f"InnerRaceFault_vload_{i}" for i in range(1, 8)),
)


def load(folder: Path | str) -> list[Recording]:
    """The twenty recordings in a folder that `fetch("mfpt")` returned, in the order of NAMES.

    Samples in g, (time, 1), at 97,656 or 48,828 Hz; `group` is the recording. `meta`: `load_lb`,
    `shaft_hz` and the bearing's geometry. Raises EdgekitError naming the file that is missing,
    unreadable, or not what it says it is.
    """
    found = {path.stem: path for path in sorted(Path(folder).rglob("*.mat"))}
    missing = [f"{name}.mat" for name in NAMES if name not in found]
    if missing:
        more = f" and {len(missing) - 1} more" if len(missing) > 1 else ""
        raise EdgekitError(
            f"{missing[0]}{more} is not in {folder}; remove that folder and fetch 'mfpt' again"
        )
    return [read(found[name]) for name in NAMES]


def read(path: Path | str) -> Recording:
    """One `.mat` file of the set."""
    from scipy.io import loadmat

    path = Path(path)
    try:
        bearing = loadmat(path)["bearing"][0, 0]
        samples = np.asarray(bearing["gs"], np.float64).reshape(-1, 1)
        rate, shaft, load_lb = (float(bearing[key].item()) for key in ("sr", "rate", "load"))
    except Exception as error:  # scipy raises whatever the damaged bytes lead it to
        raise EdgekitError(
            f"{path.name} is not a readable MFPT recording ({type(error).__name__}); "
            "remove it and fetch 'mfpt' again"
        ) from None
    label = LABELS.get(path.stem.split("_")[0])
    if label is None or not rate > 0 or not len(samples):
        raise EdgekitError(f"{path.name} is no MFPT recording: unknown name, no rate or no samples")
    return Recording(
        name=path.stem,
        samples=samples,
        rate=rate,
        label=label,
        group=path.stem,
        domain=TARGET,
        channels=("acceleration",),
        unit="g",
        licence=sources()["mfpt"].licence,
        source="mfpt",
        meta={"load_lb": load_lb, "shaft_hz": shaft, "bearing": NICE.to_dict()},
    )
