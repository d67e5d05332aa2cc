"""What a verdict covers: `python -m benchmarks.verdict [--smoke]`; 1 where a bar is missed.

Runs the smallest use case, offline, as a user would, and reads what was said and sealed. `--smoke` stops
after chapter 01 (under a minute); without it the whole chain runs (some minutes).
"""

from __future__ import annotations

import contextlib
import io
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from benchmarks.bars import Bars, command
from edgekit.cli.commands import main as edgekit
from edgekit.pipeline.manifest import read_manifest, start_manifest, update_manifest
from edgekit.pipeline.review import review

WRITERS, SEALS = 3, 20  # processes beside as many threads, seals of each
WRITER = """
import sys
from pathlib import Path
from edgekit.pipeline.manifest import update_manifest
for i in range(int(sys.argv[3])):
    update_manifest(Path(sys.argv[1]), f"{sys.argv[2]}-{i:02d}", {"inputs": {}, "outputs": {}})
"""


def run(folder: Path, *options: str) -> tuple[int, str]:
    """`edgekit run activity --offline …`: the exit code and what it printed."""
    said = io.StringIO()
    with contextlib.redirect_stdout(said):
        code = edgekit(["run", "activity", "--offline", "--run-dir", str(folder), *options])
    return code, said.getvalue()


def parts_of_the_chain(bars: Bars, folder: Path) -> None:
    """A run that stopped early is not within budget, and its figures say on what they rest."""
    code, said = run(folder, "--through", "design", "--strict")
    verdicts = review(folder).verdicts
    shown = f"exit {code}, {len(verdicts.unjudged)} of {len(verdicts)} lines open"
    bars.add("--through design --strict", "exit 1", shown, code == 1 and "not judged" in said)
    run(folder, "--through", "collect")
    figures = read_manifest(folder)["steps"]["01_collect"]["figures"].values()
    origins = {f.get("data", "unsaid") for f in figures}
    bars.add(
        "figures of an offline run rest on",
        "simulated",
        ", ".join(origins),
        origins == {"simulated"},
    )


def seals(bars: Bars, folder: Path) -> None:
    """Processes and threads that seal side by side."""
    start_manifest(folder, "toy", "quick")
    command = [sys.executable, "-c", WRITER, str(folder)]
    others = [subprocess.Popen([*command, f"p{k}", str(SEALS)]) for k in range(WRITERS)]
    with ThreadPoolExecutor(WRITERS) as pool:
        for k in range(WRITERS * SEALS):
            pool.submit(update_manifest, folder, f"t-{k:02d}", {"inputs": {}, "outputs": {}})
    broken = any(p.wait() for p in others)
    kept, wanted = len(read_manifest(folder)["steps"]), 2 * WRITERS * SEALS
    bars.add(
        "seals kept of writers side by side", str(wanted), str(kept), kept == wanted and not broken
    )


def shipped(bars: Bars, folder: Path) -> None:
    """The flash that the budget judged is the sum of what the device holds."""
    run(folder)
    step = read_manifest(folder)["steps"]["05_export"]["figures"]
    parts = {
        k.removeprefix("flash_"): f["value"] for k, f in step.items() if k.startswith("flash_")
    }
    judged = parts.pop("bytes")
    shown = f"{judged:,.0f} B = {' + '.join(f'{n} {v:,.0f}' for n, v in parts.items())}"
    bars.add(
        "flash that is judged: the sum of its parts", "equal", shown, judged == sum(parts.values())
    )


def main() -> int:
    bars = Bars("verdict")

    def measure(args):
        with tempfile.TemporaryDirectory(prefix="edgekit-") as folder:
            seals(bars, Path(folder) / "seals")
            parts_of_the_chain(bars, Path(folder) / "run")
            if not args.smoke:
                shipped(bars, Path(folder) / "run")

    return command(bars, measure, smoke="no chain beyond its first chapters")


if __name__ == "__main__":
    sys.exit(main())
