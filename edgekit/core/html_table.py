"""Tables on a page: whole sentences that wrap, numbers that do not, nothing beside the screen.

Notebooks set every cell flush right and never wrap a name with underscores; a table brings its own style.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas as pd

STYLE = (
    "<style>table.edgekit{max-width:100%}"
    "table.edgekit th,table.edgekit td{text-align:left!important;white-space:normal}"
    "table.edgekit .number{text-align:right!important}table.edgekit td.number{white-space:nowrap}"
    "table.edgekit td ul{margin:0;padding-left:1.2em}"
    "table.edgekit.dense{font-size:.8em}table.edgekit.dense th,table.edgekit.dense td{padding:.3em .4em}"
    "</style>"
)
TABLE = f'{STYLE}<table class="edgekit">'  # opens a table that a value makes of itself
VERDICTS = f'{STYLE}<table class="edgekit verdicts">'  # and one of a budget
DENSE = 12  # columns beyond which the letters are smaller
GROUPED = 1_000  # whole numbers from here on have their thousands marked


def frame_html(frame: pd.DataFrame, index: bool = True, number: str = "") -> str:
    """A `frame` as HTML: text flush left and whole, numbers flush right, "–" where there is none.

    `index`: its row names, too. `number`: how floats are written, `".3f"`; otherwise as pandas does. More
    rows than pandas' `display.max_rows` are left out in the middle, as pandas does. Cells are escaped.
    """
    import pandas as pd

    frame = frame.fillna(float("nan")).infer_objects()  # None among numbers is no text
    kinds = [_numeric(frame.iloc[:, k]) for k in range(frame.shape[1])]
    formatters = [_formatter(frame.iloc[:, k], number) for k in range(frame.shape[1])]
    dense = " dense" if frame.shape[1] + index > DENSE else ""
    with pd.option_context("display.max_colwidth", None, "display.html.use_mathjax", False):
        made = frame.to_html(
            formatters=formatters, na_rep="–", index=index, border=0, justify="left",
            classes=f"edgekit{dense}", max_rows=_rows(frame), show_dimensions="truncate", notebook=False,
        )  # fmt: skip
    made = re.sub(r"<th[^>]*>[^<]*</th>", lambda th: th[0].replace("_", "_<wbr>"), made)
    made = made.replace("&lt;NA&gt;", "–")  # of whole numbers with gaps
    return f"{STYLE}{_numbers_right(made, kinds)}"


def show_frames(shell: Any) -> None:
    """Let an IPython `shell` show every DataFrame by `frame_html`; nothing without one."""
    if shell is None:
        return
    import pandas as pd

    html = shell.display_formatter.formatters["text/html"]
    html.for_type(pd.DataFrame, frame_html)


def _rows(frame: pd.DataFrame) -> int | None:
    import pandas as pd

    most = pd.get_option("display.max_rows")
    return pd.get_option("display.min_rows") if most and len(frame) > most else None


def _numeric(column: pd.Series) -> bool:
    from pandas.api.types import is_bool_dtype, is_numeric_dtype

    return is_numeric_dtype(column) and not is_bool_dtype(column)


def _whole(value: Any) -> str:
    return f"{value:,.0f}" if abs(value) >= GROUPED else f"{value:.0f}"


def _formatter(column: pd.Series, number: str) -> Callable[[Any], str] | None:
    """How a column's cells are written; None as pandas does. A count with gaps is still a count."""
    import numpy as np
    from pandas.api.types import is_float_dtype

    if not _numeric(column):
        return None
    known = column.dropna().to_numpy(dtype=float, na_value=np.nan)
    finite = known[np.isfinite(known)]
    counts = (
        not is_float_dtype(column) or np.abs(finite).max(initial=0) >= 2
    )  # not shares of 0 and 1
    if counts and len(finite) and np.equal(finite, np.round(finite)).all():
        return lambda v: _whole(v) if np.isfinite(v) else f"{v}"
    return (lambda v: f"{v:{number}}") if number else None


def _numbers_right(made: str, kinds: list[bool]) -> str:
    """Each row's cells from the last to the first: row names that span rows are only at its beginning."""

    def row(found: re.Match[str]) -> str:
        cells = re.split(r"(?=<t[hd])", found[0])
        for cell, numeric in zip(range(len(cells) - 1, 0, -1), reversed(kinds), strict=False):
            if numeric:
                cells[cell] = re.sub(r"^<(t[hd])[^>]*>", r'<\1 class="number">', cells[cell])
        return "".join(cells)

    return re.sub(r"<tr[^>]*>.*?</tr>", row, made, flags=re.S)
