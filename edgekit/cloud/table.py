"""An answer as a table: rows, what stands in them, and what their numbers rest on."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from edgekit.core.escape import html as escape
from edgekit.core.figures import number


@dataclass(frozen=True)
class Table:
    """Rows of one question; `columns` names what is in each, units in the names; `origin` is theirs."""

    title: str
    columns: tuple[str, ...]
    rows: Sequence[tuple]
    origin: str

    def frame(self) -> Any:
        """A pandas.DataFrame (rows, columns), its `attrs["origin"]` set."""
        import pandas as pd

        made = pd.DataFrame(list(self.rows), columns=list(self.columns))
        made.attrs["origin"] = self.origin
        return made

    def _repr_html_(self) -> str:
        def cells(tag: str, row: Iterable) -> str:
            said = (number(v) if isinstance(v, (int, float)) or v is None else str(v) for v in row)
            return f"<tr>{''.join(f'<{tag}>{escape(s)}</{tag}>' for s in said)}</tr>"

        body = "".join(cells("td", row) for row in self.rows)
        return (
            f"<table><caption>{escape(self.title)} <small>{escape(self.origin)}</small></caption>"
            f"{cells('th', self.columns)}{body}</table>"
        )
