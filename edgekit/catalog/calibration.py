"""Reads calibrations.toml: how the cycles of the kit's model become cycles of a chip that was measured."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from functools import cache
from importlib import resources
from types import MappingProxyType

from edgekit.core.figures import Figure, estimated


@dataclass(frozen=True)
class Calibration:
    """cycles = `factor` × kit cycles + `weight_cycles` × bytes of weights in flash / 16.

    `worst_error`: by how much the larger of predicted and published exceeded the other, at worst, for
    programs whose submitter was not in the fit, judged on the chip `error_measured_on`;
    `worst_error_other_chip`: that on another chip of this core. `clock_mhz`: at which it was measured;
    flash waits follow the clock.
    """

    chip: str
    name: str
    core: str
    clock_mhz: float
    factor: float
    weight_cycles: float
    worst_error: float
    error_measured_on: str
    worst_error_other_chip: float
    results: int
    submitters: tuple[str, ...]
    rounds: tuple[str, ...]

    @property
    def source(self) -> str:
        """What it rests on, in a few words."""
        who = (
            f"{len(self.submitters)} submitters" if len(self.submitters) > 1 else self.submitters[0]
        )
        span = self.rounds[0] if len(self.rounds) == 1 else f"{self.rounds[0]}–{self.rounds[-1]}"
        return f"{self.results} MLPerf Tiny {span} results of {who}"

    def error_band(self, value: float, other_chip: bool = False) -> tuple[float, float]:
        """The lowest and highest around a value that this calibration gave."""
        ratio = 1 + (self.worst_error_other_chip if other_chip else self.worst_error)
        return value / ratio, value * ratio

    def figure(self, other_chip: bool = False) -> Figure:
        """The factor with its band, as the catalogue shows it."""
        where = f", measured on {self.name}" if other_chip else ""
        text = f"cycles over those of edgekit.emulate.timing{where}: {self.source}"
        return estimated(self.factor, "", text, *self.error_band(self.factor, other_chip))


@cache
def calibrations() -> MappingProxyType[str, Calibration]:
    """The calibrated chips by name."""
    file = resources.files("edgekit.catalog").joinpath("calibrations.toml")
    content = tomllib.loads(file.read_text(encoding="utf-8"))["calibrations"]
    lists = ("submitters", "rounds")
    return MappingProxyType(
        {
            chip: Calibration(chip, **entry | {k: tuple(entry[k]) for k in lists})
            for chip, entry in content.items()
        }
    )


def calibrations_of_core(core: str) -> tuple[Calibration, ...]:
    """The calibrations of one core."""
    return tuple(c for c in calibrations().values() if c.core == core)
