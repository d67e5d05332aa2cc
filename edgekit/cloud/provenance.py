"""What the numbers of a database rest on: which use case, real or simulated data, measured or estimated.

Whoever writes the weeks notes it once; each figure then says so.
"""

from __future__ import annotations

from sqlalchemy import Connection, select

from edgekit.cloud.database import upsert
from edgekit.cloud.tables import about
from edgekit.core.errors import EdgekitError, did_you_mean
from edgekit.core.figures import DATA, PROVENANCES, Figure

UNKNOWN = {"use_case": "", "data": ""}
PROVENANCE = {  # of a quantity, and where it comes from, unless another one was noted
    "accuracy": ("measured", "windows of the week, as the simulation or labels know them"),
    "bytes": ("measured", "counted where they pass"),
    "energy": ("estimated", "the board's active power times latency, by the catalogue"),
    "count": ("measured", "rows of this database"),
}


def note(connection: Connection, **facts: object) -> None:
    """Keep facts: `use_case="bearing"`, `data="simulated"` (of core.figures.DATA), or of a quantity
    (accuracy, bytes, energy) its provenance and source: `energy=("emulated", "cycles of the core, …")`.

    Raises EdgekitError for a fact that nobody would show.
    """
    for name, value in facts.items():
        if name in PROVENANCE:
            provenance, source = value if isinstance(value, (tuple, list)) else ("", "")
            if provenance not in PROVENANCES or not source:
                raise EdgekitError(
                    f"{name} is noted as (provenance, source), one of {PROVENANCES}; not {value!r}"
                )
            value = [provenance, str(source)[:200]]
        elif name not in UNKNOWN:
            raise EdgekitError(
                f"nothing shows {name!r}.{did_you_mean(name, [*UNKNOWN, *PROVENANCE])}"
            )
        elif name == "data" and value not in DATA:
            raise EdgekitError(f"data are {', '.join(filter(None, DATA))}, not {value!r}")
        insert = upsert(connection)(about).values(name=name, value=value)
        connection.execute(
            insert.on_conflict_do_update(index_elements=["name"], set_={"value": value})
        )


class Origin:
    """What was noted. `figure` makes a Figure of a quantity."""

    def __init__(self, connection: Connection):
        rows = connection.execute(select(about.c.name, about.c.value))
        known = {name: value for name, value in rows}
        self.use_case = str(known.get("use_case", ""))
        self.data = str(known.get("data", ""))
        self.quantities = {q: tuple(known.get(q, default)) for q, default in PROVENANCE.items()}

    def figure(self, quantity: str, value: float, unit: str) -> Figure:
        """`value` in `unit` with what is known of this quantity, a key of PROVENANCE."""
        provenance, source = self.quantities[quantity]
        return Figure(value, unit, provenance, source, data=self.data)

    def words(self, quantity: str) -> str:
        """`"measured on simulated data: counted where they pass"`."""
        said = self.figure(quantity, 0, "")
        data = "" if said.data else ", real or simulated not said"
        return f"{said.origin}{data}: {said.source}"
