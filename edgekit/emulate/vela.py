"""What an int8 model would cost on an Arm Ethos-U NPU, as Arm's compiler Vela estimates it."""

from __future__ import annotations

import csv
import importlib.util
import subprocess
import sys
import tempfile
from importlib import metadata
from pathlib import Path

from edgekit.core.errors import EdgekitError, did_you_mean
from edgekit.core.extras import missing
from edgekit.core.figures import Figure, estimated

ACCELERATORS = tuple(
    f"ethos-{core}-{macs}"
    for core, sizes in {
        "u55": (32, 64, 128, 256),
        "u65": (256, 512),
        "u85": (128, 256, 512, 1024, 2048),
    }.items()
    for macs in sizes
)
# figure -> (column of Vela's summary, unit, factor)
COLUMNS = {
    "latency": ("inference_time", "ms", 1e3),
    "cycles": ("cycles_total", "cycles", 1),
    "cycles_npu": ("cycles_npu", "cycles", 1),
    "clock": ("core_clock", "MHz", 1e-6),
    "macs": ("nn_macs", "MAC", 1),
    "sram": ("sram_memory_used", "B", 1024),
    "dram": ("dram_memory_used", "B", 1024),
    "flash_on_chip": ("on_chip_flash_memory_used", "B", 1024),
    "flash_off_chip": ("off_chip_flash_memory_used", "B", 1024),
    "weights_encoded": ("total_npu_encoded_weights", "B", 1),
}


def estimate(
    model: bytes, accelerator: str = "ethos-u55-128", seconds: float = 120
) -> dict[str, Figure]:
    """Compile a `.tflite` with Vela and return its estimates, all labelled "estimated".

    accelerator: one of `ACCELERATORS`, as Vela's --accelerator-config. Memories and clock are those of
    Vela's default system for it, named in each figure's source. Keys: those of `COLUMNS`, and
    "npu_operators" (those not left to the CPU), where Vela tells. What the CPU does is not in the latency.
    Raises EdgekitError for a model that Vela refuses, one that takes longer than `seconds`, or where Vela
    is not installed.
    """
    if accelerator not in ACCELERATORS:
        raise EdgekitError(f"unknown NPU {accelerator!r}.{did_you_mean(accelerator, ACCELERATORS)}")
    if importlib.util.find_spec("ethosu") is None:
        raise missing("an NPU's estimate needs", "ethosu")
    with tempfile.TemporaryDirectory(prefix="edgekit-") as folder:
        (Path(folder) / "model.tflite").write_bytes(model)
        log = _vela(folder, accelerator, seconds)
        summaries = sorted(Path(folder).glob("model_summary_*.csv"))
        if not summaries:
            raise EdgekitError(f"Vela wrote no summary: {_last(log)}")
        with summaries[0].open(newline="", encoding="utf-8") as f:
            row = next(csv.DictReader(f))
    source = (
        f"ethos-u-vela {metadata.version('ethos-u-vela')}, {accelerator}, {row['system_config']}, "
        f"{row['memory_mode']}"
    )
    figures = {
        key: estimated(float(row[column]) * factor, unit, source)
        for key, (column, unit, factor) in COLUMNS.items()
        if row.get(column) not in (None, "")
    }
    for line in log.splitlines():
        if line.startswith("NPU operators ="):
            share = float(line.split("(")[1].split("%")[0])
            figures["npu_operators"] = estimated(share, "%", source)
    return figures


def _vela(folder: str, accelerator: str, seconds: float) -> str:
    """Run Vela in a process of its own; what it printed."""
    command = [
        sys.executable,
        "-c",
        "import sys; from ethosu.vela.vela import main; sys.exit(main())",
    ]
    options = ["model.tflite", "--accelerator-config", accelerator, "--output-dir", "."]
    try:
        done = subprocess.run(
            [*command, *options],
            cwd=folder,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            encoding="utf-8",
            errors="replace",
            timeout=seconds,
        )
    except subprocess.TimeoutExpired:
        raise EdgekitError(f"Vela did not finish within {seconds:.0f} s") from None
    if done.returncode:
        raise EdgekitError(f"Vela refuses this model: {_last(done.stdout)}")
    return done.stdout


def _last(log: str) -> str:
    lines = [line.strip() for line in log.splitlines() if line.strip()]
    errors = [line for line in lines if "error" in line.lower()]
    return (errors or lines or ["no message"])[-1][:200]
