"""The figures of `make demo` as they were before the house was rebuilt, against those of the newest run."""

from __future__ import annotations

import json
import math
from pathlib import Path

from edgekit.core.workspace import Workspace

BEFORE = Path(__file__).with_name("demo_before.json")

# (chapter, figure) as it was called -> as it is called now
RENAMED: dict[tuple[str, str], str] = {
    ("02_adapt", "lab_only"): "source_only",
    ("02_adapt", "field_trained"): "target_trained",
    ("06_ota", "ota_bytes"): "update_bytes",
}
AIRTIME = "LoRa's time on air is by Semtech's formula now; it was a tenth to a quarter too short"
SPELLINGS = {"B": "bytes", "byte": "bytes"}  # of one unit
# (chapter, figure) -> why it is another number now; without such a line a difference is a miss
CHANGED: dict[tuple[str, str], str] = {
    (
        "04_compress",
        "ota_bytes",
    ): "1,424 bytes were the deflated file, which nobody sends; model_bytes is "
    "what lies in a slot, the 208 bytes that chapter 05 has always called flash_weights",
    ("00_design", "power_mw"): AIRTIME,
    ("00_design", "battery_years"): AIRTIME,
    ("05_export", "power_mw"): AIRTIME,
    ("05_export", "battery_years"): AIRTIME,
    ("06_ota", "ota_hours"): AIRTIME,
}


def newest() -> Path | None:
    """The manifest of the last full run of bearing on real recordings, None if there is none."""
    found = Workspace.find().runs.glob("bearing-full*/manifest.json")
    complete = [p for p in found if len(json.loads(p.read_text(encoding="utf-8"))["steps"]) >= 7]
    return max(complete, key=lambda p: p.stat().st_mtime, default=None)


def differences(manifest: Path) -> list[str]:
    """Figures with another value, unit or provenance than before, or none at all, one line each."""
    before = json.loads(BEFORE.read_text(encoding="utf-8"))["steps"]
    now = json.loads(manifest.read_text(encoding="utf-8"))["steps"]
    found = []
    for step, figures in before.items():
        for name, old in figures.items():
            if (step, name) in CHANGED:
                continue
            key = RENAMED.get((step, name), name)
            new = now.get(step, {}).get("figures", {}).get(key)
            if new is None or not same(old, new):
                is_now = "not there" if new is None else shown(new)
                found.append(f"{step} {key}: {shown(old)}, now {is_now}")
    return found


def same(old: dict, new: dict) -> bool:
    """Whether the two are one figure; floats may differ where the last bits of a sum do."""
    units = [SPELLINGS.get(figure["unit"], figure["unit"]) for figure in (old, new)]
    alike = units[0] == units[1] and old["provenance"] == new["provenance"]
    return alike and math.isclose(old["value"], new["value"], rel_tol=1e-9)


def shown(figure: dict) -> str:
    return f"{figure['value']:.10g} {figure['unit']} ({figure['provenance']})"


def count() -> int:
    """How many figures were recorded."""
    return sum(map(len, json.loads(BEFORE.read_text(encoding="utf-8"))["steps"].values()))
