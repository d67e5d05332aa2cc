"""What entries of the catalogue share: figures by name, and how a notebook shows them."""

from __future__ import annotations

from html import escape
from typing import ClassVar

from edgekit.core.figures import Figure, number
from edgekit.core.html_table import TABLE


class Entry:
    """What boards, links and batteries share: figures by name, and how a notebook shows them."""

    UNITS: ClassVar[dict[str, str]] = {}
    OPTIONAL: ClassVar[frozenset[str]] = frozenset()  # figures that an entry has or has not
    name: str
    unchecked: tuple[str, ...]

    @property
    def figures(self) -> dict[str, Figure]:
        """The figures that are known, by field name."""
        known = {name: getattr(self, name) for name in self.UNITS}
        return {name: figure for name, figure in known.items() if figure is not None}

    @property
    def unknown(self) -> tuple[str, ...]:
        """The names of the figures that the catalogue does not have."""
        asked = (name for name in self.UNITS if name not in self.OPTIONAL)
        return tuple(name for name in asked if getattr(self, name) is None)

    def value(self, name: str) -> float:
        """The number behind a figure; NaN where it is unknown."""
        figure: Figure | None = getattr(self, name)
        return float("nan") if figure is None else figure.value

    def _repr_html_(self) -> str:
        rows = []
        for name, unit in self.UNITS.items():
            figure, label = getattr(self, name), escape(name.rsplit("_", 1)[0].replace("_", " "))
            if figure is None and name in self.OPTIONAL:
                continue
            if figure is None:
                rows.append(f"<tr><td>{label}</td><td>unknown</td><td></td><td></td></tr>")
                continue
            shown = temperature(figure) if unit == "°C" else str(figure)
            flag = " (unchecked)" if name in self.unchecked else ""
            rows.append(
                f"<tr><td>{label}</td><td><b>{escape(shown)}</b></td>"
                f"<td>{escape(figure.provenance)}{flag}</td><td>{escape(figure.source)}</td></tr>"
            )
        return f"<b>{escape(self.name)}</b> {self._lead()}{TABLE}{''.join(rows)}</table>"

    def _lead(self) -> str:
        return ""


def temperature(figure: Figure) -> str:
    """A range in words; of a figure without one, its value."""
    low, high = (figure.value if end is None else end for end in (figure.low, figure.high))
    return f"{number(low)} to {number(high)} °C"
