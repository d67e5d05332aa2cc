"""The one exception that a user is meant to read: a single line that says what is wrong and what to do."""

from __future__ import annotations

import re
from collections.abc import Iterable
from difflib import get_close_matches

from edgekit.core import escape


class EdgekitError(Exception):
    """Raised for whatever a user can mend; shown as one line, without a traceback.

    By the command line and, through IPython's hook for it, by notebooks; there `%debug` tells the rest.
    The text may quote what somebody else wrote, so it is one printable line whatever that holds; of an
    OSError that it quotes, the number is left out.
    """

    def __init__(self, text: object = ""):
        super().__init__(escape.line(re.sub(r"\[Errno -?\d+\] ", "", str(text))))

    def _render_traceback_(self) -> list[str]:
        return [f"{type(self).__name__}: {self}"]


def did_you_mean(word: str, known: Iterable[object]) -> str:
    """What to add where `word` is unknown: `" Did you mean 'ram_bytes'?"`, or all that are `known`."""
    close = get_close_matches(str(word), [str(k) for k in known], n=1)
    return f" Did you mean {close[0]!r}?" if close else f" Known: {', '.join(map(str, known))}."
