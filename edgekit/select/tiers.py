"""Two decisions: microcontroller or processor, kit or a board of one's own."""

from __future__ import annotations

from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING, Literal

from edgekit.catalog.hardware import Board, Kit, boards
from edgekit.core.figures import Figure, number
from edgekit.core.html_table import TABLE
from edgekit.design import Design
from edgekit.design.gate import gate
from edgekit.select.boards import Selection, size
from edgekit.select.power import estimate_latency_ms

if TYPE_CHECKING:
    import pandas as pd

MCU_RAM_BYTES = 2 * 2**20  # beyond this, external DRAM and with it a processor
MCU_FLASH_BYTES = 4 * 2**20
CUSTOM_POWER_MW = 100  # below this, a product is seldom a development board in a box


@dataclass(frozen=True)
class ProcessorChoice:
    """`kind` is mcu or mpu; `table` says which requirement pulls which way."""

    kind: Literal["mcu", "mpu"]
    reasons: tuple[tuple[str, str, str], ...]  # (what is asked, "mcu" | "mpu" | "either", why)

    @property
    def table(self) -> pd.DataFrame:
        import pandas as pd

        return pd.DataFrame(self.reasons, columns=["requirement", "says", "why"]).set_index(
            "requirement"
        )

    def _repr_html_(self) -> str:
        rows = "".join(
            f"<tr><td>{escape(what)}</td><td><b>{says}</b></td>"
            f'<td style="text-align:left">{escape(why)}</td></tr>'
            for what, says, why in self.reasons
        )
        return f"<b>{self.kind.upper()}</b>{TABLE}{rows}</table>"


def mcu_or_mpu(design: Design) -> ProcessorChoice:
    """Microcontroller, unless something a microcontroller cannot do is asked for.

    Memory beyond what chips carry on board, a Linux system, or a latency that no microcontroller of
    the catalogue reaches, each ask for a processor (mpu). A power budget or a battery that no
    processor lives on is shown beside them, so that a conflict is seen.
    """
    budget, reasons = design.budget, []
    for what, limit, most in (
        ("model and firmware", budget.flash_bytes, MCU_FLASH_BYTES),
        ("working memory", budget.ram_bytes, MCU_RAM_BYTES),
    ):
        if limit is not None:
            words = f"{size(limit)}; microcontrollers hold up to about {most >> 20} MB"
            reasons.append((what, "mpu" if limit > most else "mcu", words))
    if design.os is not None:
        says = "mpu" if design.os == "linux" else "mcu"
        reasons.append(("operating system", says, f"the application asks for {design.os!r}"))
    fastest = _fastest_mcu(design)
    if fastest is not None:
        words = (
            f"{number(budget.latency_ms)} ms; the fastest microcontroller of the catalogue needs "
            f"about {number(fastest.value)} ms on its core"
        )
        for verdict in gate(budget, {"latency_ms": fastest}):
            reasons.append(("latency", "mcu" if verdict.passed else "mpu", words))
    if budget.power_mw is not None:
        idle = min(
            b.value("sleep_power_uw")
            for b in boards().values()
            if b.kind == "mpu" and b.sleep_power_uw
        )
        words = (
            f"{number(budget.power_mw)} mW on average; a Linux board idles at "
            f"{number(idle / 1000)} mW"
        )
        reasons.append(("power", "mcu" if budget.power_mw < idle / 1000 else "either", words))
    if not design.battery.mains:
        reasons.append(("supply", "mcu", f"it lives on a battery: {design.battery.name}"))
    kind: Literal["mcu", "mpu"] = "mpu" if any(says == "mpu" for _, says, _ in reasons) else "mcu"
    return ProcessorChoice(kind, tuple(reasons))


def _fastest_mcu(design: Design) -> Figure | None:
    """The latency that the design's guess of a model has on the fastest microcontroller that is known."""
    known = [b for b in boards().values() if b.kind == "mcu"]
    guesses = [estimate_latency_ms(board, design.duty.macs_per_inference) for board in known]
    return min((g for g in guesses if g is not None), key=lambda g: g.value, default=None)


@dataclass(frozen=True)
class CustomBoard:
    """Whether to draw a board of one's own, the reason, and the kit that would spare it."""

    recommended: bool
    why: str
    kit: Kit | None

    def _repr_html_(self) -> str:
        return (
            f"<b>{'Go custom' if self.recommended else 'Start from a kit'}</b>: {escape(self.why)}"
        )


def recommend_custom_board(design: Design, selection: Selection) -> CustomBoard:
    """Go custom: under 100 mW, and no board that fits is sold with an enclosure and the sensor."""
    limit = design.budget.power_mw
    if limit is None or limit >= CUSTOM_POWER_MW:
        words = "no limit" if limit is None else f"{number(limit)} mW"
        why = (
            f"the power budget ({words}) is not below {CUSTOM_POWER_MW} mW: "
            "an off-the-shelf board will do"
        )
        return CustomBoard(False, why, None)
    wanted = design.sensor or "any"
    for board in selection.fits:
        for kit in board.kits:
            if kit.enclosure and (design.sensor is None or design.sensor in kit.sensors):
                return CustomBoard(False, _kit_words(design, board, kit, wanted), kit)
    why = (
        f"{number(limit)} mW is below {CUSTOM_POWER_MW} mW, and none of the "
        f"{len(selection.fits)} boards that fit comes as a kit with an enclosure and the sensor "
        f"({wanted})"
    )
    return CustomBoard(True, why, None)


def _kit_words(design: Design, board: Board, kit: Kit, wanted: str) -> str:
    family = design.link.key.split("-")[0]
    radio = "" if family in kit.links else f"; it has no {family} radio, add one for the pilot"
    doubt = "" if kit.checked else " (as far as is known: check its data brief)"
    return (
        f"{kit.name} carries {board.name} with an enclosure and the sensor ({wanted}){radio}{doubt}"
    )
