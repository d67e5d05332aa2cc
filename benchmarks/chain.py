"""The bars of the walking chain: `python -m benchmarks.chain [--cold] [--write]`.

Prints each with its goal and its figure, and exits 1 where one is missed. `--cold` also times
`make demo` on a fresh clone: packages, recordings and builds downloaded and made anew (some minutes).
`--smoke` runs the smallest use case through chapter 03 instead: a minute, the first time.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pandas as pd

from benchmarks.bars import Bars, command
from edgekit.core.workspace import Workspace
from edgekit.pipeline import artefacts, execute
from edgekit.pipeline.chapters import chapters
from edgekit.pipeline.review import review

ROOT = Workspace.find().folder
BARS = Bars("chain")
bar = BARS.add


def accuracy(folder: Path) -> None:
    """The full run's own artefacts: ledger, sweep, sizes."""
    names = ("model.json", "scores.json", "ledger.json")
    card, scores, tried = (artefacts.read(folder / name) for name in names)
    width, ledger = scores.teacher_width, tried.table
    deployed, recipe = card.test.balanced_accuracy, card.recipe.score.balanced_accuracy
    bar(
        "balanced accuracy, int8, held-out recordings",
        "≥ 0.95",
        f"{deployed:.4f}",
        deployed >= 0.95,
    )
    bar("the same recipe, each recording tested once", "≥ 0.95", f"{recipe:.4f}", recipe >= 0.95)
    lost = 100 * (ledger.loc["student", "accuracy"] - deployed)
    bar("points lost by int8 against the float student", "≤ 1", f"{lost:.2f}", lost <= 1)
    sizes = [int(ledger.loc["teacher", "tflite_bytes"]), (folder / "model.tflite").stat().st_size]
    ratio = sizes[0] / sizes[1]
    shown = f"{ratio:.1f} ({sizes[0]:,} / {sizes[1]:,})"
    bar("teacher / deployed, bytes of files on disk", "≥ 20", shown, ratio >= 20)
    points = card.loss_points
    bar("points lost from teacher to deployed", "≤ 2", f"{points:.2f}", points <= 2)
    sweep = pd.DataFrame(scores.sweep).set_index("width")["balanced_accuracy"]
    behind = 100 * (sweep.max() - sweep)
    bar(f"teacher (width {width}): points behind the best width", "≤ 0.3", f"{behind[width]:.2f}",
        behind[width] <= 0.3)  # fmt: skip
    narrower = behind[behind.index < width]
    bar(
        "narrower teachers that would do", "0", f"{(narrower <= 0.3).sum()}", (narrower > 0.3).all()
    )


def exactness(folder: Path) -> None:
    """The deployed model against TFLM, computed here again."""
    from edgekit import emulate, export

    model = (folder / "model.tflite").read_bytes()
    inputs = artefacts.read(folder / "golden.npz").inputs
    answer = emulate.tflm(model, inputs)
    firmware = emulate.build(export.generate(export.read(model)), cpu="cortex-m4")
    wrong = int((emulate.run(firmware, inputs) != answer.outputs).sum())
    bar(
        f"windows compared with {answer.oracle}, byte for byte",
        "≥ 500",
        f"{len(inputs)}",
        len(inputs) >= 500,
    )
    bar("bytes that differ (generated C, emulated Cortex-M4)", "0", f"{wrong}", wrong == 0)


def notebooks(runs: str) -> None:
    paths = [str(p) for p in chapters(Workspace.find()).values()]
    flags = ["--nbval-lax", "--nbval-current-env", "--nbval-cell-timeout=300", "-q"]
    began = time.monotonic()
    code = subprocess.call(
        [sys.executable, "-m", "pytest", *flags, *paths],
        cwd=ROOT,
        env={**os.environ, "EDGEKIT_RUNS": runs},
        stdout=subprocess.DEVNULL,
    )
    seconds = time.monotonic() - began
    bar("00-06 at quick under nbval, together", "≤ 240 s", f"{seconds:.0f} s, exit {code}",
        seconds <= 240 and code == 0)  # fmt: skip


def cold(folder: str) -> None:
    """`make demo` twice in a fresh clone."""
    clone = Path(folder) / "clone"
    subprocess.run(["git", "clone", "-q", ROOT, clone], check=True)
    env = {k: v for k, v in os.environ.items() if not k.startswith(("EDGEKIT", "VIRTUAL_ENV"))}
    env |= {"PIP_NO_CACHE_DIR": "1", "XDG_CACHE_HOME": str(Path(folder) / "cache")}
    for name, goal in (("make demo, fresh clone, cold", 720), ("make demo, second run", 15)):
        began = time.monotonic()
        code = subprocess.call(["make", "-s", "demo"], cwd=clone, env=env)
        seconds = time.monotonic() - began
        bar(name, f"≤ {goal} s", f"{seconds:.0f} s, exit {code}", seconds <= goal and code == 0)
    shutil.rmtree(clone)


def measure(args) -> None:
    if args.smoke:  # the smallest use case, and what its budget says by then
        directory, _ = execute.execute("activity", offline=True, through="train")
        verdicts = review(directory).verdicts
        missed = [v.key for v in verdicts if v not in verdicts.unjudged and not v.passed]
        judged = len(verdicts) - len(verdicts.unjudged)
        bar("activity, offline, quick: lines judged by chapter 03", "≥ 3", str(judged), judged >= 3)
        bar("lines of them that are missed", "none", ", ".join(missed) or "none", not missed)
        return
    directory, _ = execute.execute("bearing", profile="full")
    verdicts = review(directory).verdicts
    bar("bearing: every line of the budget", "kept", verdicts.summary(), verdicts.passed)
    accuracy(directory / "artefacts")
    exactness(directory / "artefacts")
    with tempfile.TemporaryDirectory(prefix="edgekit-") as folder:
        notebooks(folder)
        if args.cold:
            cold(folder)


def main() -> int:
    more = {"--cold": {"action": "store_true", "help": "also time make demo on a fresh clone"}}
    return command(BARS, measure, smoke="activity offline, chapters 00 to 03", more=more)


if __name__ == "__main__":
    sys.exit(main())
