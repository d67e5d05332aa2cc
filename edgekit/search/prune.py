"""Why a candidate need not be trained."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from edgekit.core.figures import estimated
from edgekit.design import LINES, Budget
from edgekit.design.gate import gate
from edgekit.emulate.cores import core
from edgekit.search.cost import DOUBT, Cost

ENOUGH = 0.99  # accuracy to which a larger network has nothing to add
FAR = 1.7  # times as many instructions: more than the estimate was ever too high


class PruneReason(StrEnum):
    """Kinds of reasons, as the study keeps them."""

    REPEATED = "repeated"  # an earlier trial was the same
    INSTRUCTIONS = "instructions"  # more of them than the hand-made student takes
    BUDGET = "budget"  # a line of it cannot be kept
    NOTHING_TO_GAIN = "nothing to gain"  # far more expensive than what is right already


@dataclass(frozen=True)
class Pruned:
    """That a candidate is not trained: the kind of reason, and the reason in words."""

    reason: PruneReason
    text: str


def by_estimate(
    cost: Cost,
    budget: Budget,
    mhz: float,
    done: Iterable[tuple[float, float]],
    cpu: str = "cortex-m4",
) -> Pruned | None:
    """Whether an estimated `cost` is enough not to train a candidate; None: it is to be trained.

    It cannot keep a line of the `budget` on the core `cpu` at a clock of `mhz`, or it is far beyond the
    instructions of a finished trial to whose accuracy there is nothing to add. `done`: (accuracy,
    instructions) of those.
    """
    fastest = DOUBT * cost.instructions * core(cpu).least_cycles / mhz / 1e3
    least = {
        "flash_bytes": estimated(cost.flash, "bytes", "the application alone"),
        "ram_bytes": estimated(cost.ram, "bytes", "the application alone"),
        "model_bytes": estimated(cost.weight_bytes, "bytes", "weights and biases"),
        "latency_ms": estimated(fastest, "ms", "instructions, at the fastest"),
    }
    for verdict in gate(budget, least).missed:
        limit = LINES[verdict.key].limit_text(verdict.limit)
        text = f"{verdict.key} {limit}: at least {verdict.figure}"
        return Pruned(PruneReason.BUDGET, text)
    for accuracy, taken in done:
        if accuracy >= ENOUGH and cost.instructions > FAR * taken:
            text = f"{cost.instructions / taken:.1f} times a trial that is {accuracy:.3f} right"
            return Pruned(PruneReason.NOTHING_TO_GAIN, text)
    return None
