"""The design of a device: its question, hardware and duty cycle, and the budget that judges every stage.

load(path)                        a checked Design from design.toml
Budget, LINES                     the limits; what each line means, and what measures it
gate.gate(budget, figures)        figures held against the limits, one Verdict a line
"""

from edgekit.design.budget import LINES, Budget, Line
from edgekit.design.design import Design, Duty, Hardware, UseCase, load

__all__ = ["LINES", "Budget", "Design", "Duty", "Hardware", "Line", "UseCase", "load"]
