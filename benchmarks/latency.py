"""The bars of the latency model: `python -m benchmarks.latency [--smoke] [--table] [--write]`, in seconds.

`latency.csv` says what published MLPerf Tiny binaries execute in one inference, by kind of instruction,
and the latency that their submitter published. From the counts come the kit's cycles, from those a factor for
each board, and both are judged on what they have not seen: another network, another submitter, another board.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from benchmarks.bars import Bars, command
from edgekit import catalog
from edgekit.core.figures import estimated
from edgekit.emulate import cost
from edgekit.emulate.cores import timing_of
from edgekit.emulate.timing import Timing

TABLE = Path(__file__).with_suffix(".csv")
GOALS = {  # board: largest error on a network that was left out, and root mean square where it has a goal
    "nrf5340": (0.10, None),
    "stm32u575": (0.15, None),
    "stm32l4r5": (0.20, 0.10),
    "stm32f746": (0.10, None),
    "stm32h7a3": (0.15, None),
    "stm32g0b1": (0.20, None),
}
# One submission ran the autoencoder twice, the same code with its weights in flash and in RAM:
# mlcommons/tiny_results_v1.2, closed/bosch, int8 and int8_max_performance. Milliseconds.
MOVED = {
    "stm32l4r5": (5.83516, 4.72831),
    "stm32u575": (3.80431, 3.09093),
    "stm32h7a3": (1.35941, 1.08322),
    "stm32f746": (1.71122, 1.42489),
}
AUTOENCODER_BYTES = 264_192
# µJ an inference, mlcommons/tiny_results_v1.3, closed/STMicroelectronics, the same binaries
ENERGY = {"stm32l4r5": {"kws": 1431, "ic": 5496, "vww": 3030, "ad": 160}}


def table() -> pd.DataFrame:
    """One row a published result: what it executed, `cycles` that it took, `kit` cycles of the model."""
    rows = pd.read_csv(TABLE)
    known = catalog.calibrations()
    clock = rows.board.map({k: c.clock_mhz for k, c in known.items()})
    rows["cycles"] = rows.ms * clock * 1e3
    rows["core"] = rows.board.map({k: c.core for k, c in known.items()})
    for core in rows.core.unique():
        chosen = rows.core == core
        rows.loc[chosen, "kit"] = kit_cycles(rows[chosen], timing_of(core))
    rows["streamed"] = np.where(rows.weights_in == "flash", rows.weights / 16, 0)
    return rows


def kit_cycles(rows, t: Timing):
    """Cycles by the timing of the counted instructions; what it does not name costs 1.

    Floating-point moves and sums cost 1 here: the counts do not part them from the multiply-adds that take 3.
    """
    plain = rows.alu + rows["mul"] + rows.mac + rows.vfp + rows["it"]
    memory = t.load * rows.load + t.used * rows.load_use + t.store * rows.store + t.dual * rows.dual
    memory += t.multiple * rows.multi + t.register * rows.multi_regs
    slow = t.divide * rows["div"] + t.root * rows.vdiv
    return (
        plain + memory + slow + t.branch * rows.branch + t.table * rows.tbb + t.taken * rows.taken
    )


def fit(rows: pd.DataFrame, weight_cycles: float) -> float:
    """The factor with the least sum of squared relative errors of factor × kit + weights."""
    share = rows.kit / rows.cycles
    wanted = 1 - weight_cycles * rows.streamed / rows.cycles
    return float(share @ wanted / (share @ share))


def errors(rows: pd.DataFrame, factor: float, weight_cycles: float) -> pd.Series:
    """Predicted over published, less one."""
    return (factor * rows.kit + weight_cycles * rows.streamed) / rows.cycles - 1


def left_out(rows: pd.DataFrame, by: str, weight_cycles: float) -> pd.Series | None:
    """The error of each row under a factor fitted without the rows that share its `by`; None for one only."""
    groups = rows[by].unique()
    if len(groups) < 2:
        return None
    parts = []
    for group in groups:
        factor = fit(rows[rows[by] != group], weight_cycles)
        parts.append(errors(rows[rows[by] == group], factor, weight_cycles))
    return pd.concat(parts).loc[rows.index]


def streaming(board: str) -> float | None:
    """Cycles for 16 bytes of weights in flash, read off the submission that moved only them."""
    if board not in MOVED:
        return None
    flash, ram = MOVED[board]
    return (flash - ram) * catalog.calibrations()[board].clock_mhz * 1e3 / (AUTOENCODER_BYTES / 16)


def ratio(error: pd.Series) -> float:
    """By how much the larger of predicted and published exceeds the other, at worst."""
    return float(np.exp(np.abs(np.log1p(error))).max() - 1)


@dataclass(frozen=True)
class Chip:
    """One board's fit and how it fared: errors by row, under factors that had not seen them."""

    rows: pd.DataFrame
    factor: float
    weight_cycles: float
    networks: pd.Series
    submitters: pd.Series | None

    @property
    def own(self) -> float:
        return max(ratio(e) for e in (self.networks, self.submitters) if e is not None)


def chips(rows: pd.DataFrame) -> dict[str, Chip]:
    """The fits of all boards. One whose weights nobody moved waits as another of its core, or not at all."""
    waits = {board: streaming(board) for board in rows.board.unique()}
    cores = dict(zip(rows.board, rows.core, strict=True))
    result = {}
    for board, part in rows.groupby("board", sort=False):
        others = [w for b, w in waits.items() if w and cores[b] == cores[board]]
        w = round(waits[board] or (others[0] if others else 0.0), 2)
        by = [left_out(part, key, w) for key in ("model", "submitter")]
        result[board] = Chip(part, fit(part, w), w, *by)
    return result


def worst_error_other_chip(found: dict[str, Chip], core: str) -> float:
    """How far one board's constants are off on another of its core, at worst; on any where it has one."""
    worst = {}
    for a, there in ((a, b) for a in found for b in found if a != b):
        one, other = found[a], found[there]
        same = one.rows.core.iloc[0]
        if same == other.rows.core.iloc[0]:
            error = ratio(errors(other.rows, one.factor, one.weight_cycles))
            worst[same] = max(worst.get(same, 0.0), error)
    return worst.get(core, max(worst.values()))


def band(found: dict[str, Chip], board: str) -> tuple[str, float]:
    """Where another submitter's program was judged for `board`, and the error there or here, the larger."""
    core = found[board].rows.core.iloc[0]
    judged = {b: c.own for b, c in found.items() if c.submitters is not None}
    near = {b: e for b, e in judged.items() if found[b].rows.core.iloc[0] == core}
    where = board if board in judged else max(near or judged, key=(near or judged).get)
    return where, max(judged[where], found[board].own)


def rms(error: pd.Series) -> float:
    return float(np.sqrt((error**2).mean()))


def bars(bars: Bars) -> None:
    """Adds the bars: errors on what was left out, the catalogue's constants, published energy."""
    found = chips(table())
    for board, chip in found.items():
        most, typical = GOALS[board]
        worst = chip.networks.abs().max()
        text = f"rms {rms(chip.networks):.1%}, max {worst:.1%} of {len(chip.rows)}"
        met = worst <= most and (typical is None or rms(chip.networks) <= typical)
        goal = f"<= {most:.0%}" + (f", rms <= {typical:.0%}" if typical else "")
        bars.add(f"{board}: published latency, network left out", goal, text, met)
    for board, chip in found.items():
        known = catalog.calibrations()[board]
        where, worst_error = band(found, board)
        there = (1 + worst_error) * (1 + worst_error_other_chip(found, known.core)) - 1
        wanted = (chip.factor, chip.weight_cycles, worst_error, there, where)
        have = (
            known.factor,
            known.weight_cycles,
            known.worst_error,
            known.worst_error_other_chip,
            known.error_measured_on,
        )
        near = all(0 <= h - w < 0.01 for h, w in zip(have[2:4], wanted[2:4], strict=True))
        exact = abs(have[0] - wanted[0]) < 6e-4 and have[1] == wanted[1] and have[4] == where
        text = f"x{chip.factor:.3f}, {chip.weight_cycles:g} per 16 B, ±{worst_error:.1%} by {where}"
        bars.add(f"{board}: the catalogue has these constants", "same", text, near and exact)
    rows = pd.concat(c.rows.assign(predicted=c.rows.ms * (1 + c.networks)) for c in found.values())
    for board, energies in ENERGY.items():
        for model, published in energies.items():
            low, high = energy(rows, board, model)
            text = f"{low:,.0f}–{high:,.0f} µJ"
            bars.add(
                f"{board}: published energy, {model}",
                f"{published:,} µJ",
                text,
                low <= published <= high,
            )


def energy(rows: pd.DataFrame, board: str, model: str) -> tuple[float, float]:
    """µJ of ST's v1.3 binary: its latency, network left out, with its band, times active power."""
    one = rows[(rows.board == board) & (rows.model == model) & (rows["round"] == "v1.3")].iloc[0]
    known = catalog.calibrations()[board]
    time = estimated(one.predicted, "ms", "", *known.error_band(one.predicted))
    owner = next(b for b in catalog.boards().values() if b.calibration_chip == board)
    used = cost.energy(time, owner)
    return 1000 * used.low, 1000 * used.high


def markdown(found: dict[str, Chip]) -> str:
    """The error of every published result, for docs/latency.md: network left out / submitter left out."""
    networks = ("ad", "ic", "kws", "vww")
    lines = [
        "| board | results | " + " | ".join(networks) + " |",
        "|---" * (2 + len(networks)) + "|",
    ]
    for board, chip in found.items():
        for (submitter, when, folder), rows in chip.rows.groupby(
            ["submitter", "round", "folder"], sort=False
        ):
            cells = dict.fromkeys(networks, "–")
            for i, model in rows.model.items():
                cells[model] = f"{100 * chip.networks[i]:+.1f}"
                if chip.submitters is not None:
                    cells[model] += f" / {100 * chip.submitters[i]:+.1f}"
            lines.append(
                f"| {board} | {submitter} {when}, {folder} | {' | '.join(cells.values())} |"
            )
    return "\n".join(lines)


def main() -> int:
    found = Bars("latency")

    def measure(args):
        bars(found)
        if args.table:
            print(markdown(chips(table())))

    more = {"--table": {"action": "store_true", "help": "print the error of every row, too"}}
    return command(found, measure, smoke="the same: it takes seconds", more=more)


if __name__ == "__main__":
    sys.exit(main())
