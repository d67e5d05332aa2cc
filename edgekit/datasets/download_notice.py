"""What is said before anything is downloaded: what, how large, under which licence, to whose credit."""

from __future__ import annotations

import sys
from collections.abc import Callable

BEGIN = "download "  # of a notice's first line; the others are indented


def announce(
    name: str, megabytes: float, licence: str, *, say: Callable[[str], None] = print, **more: str
) -> None:
    """Say it now, before the first byte. `more`: credit, home, note …, those that are not empty."""
    lines = [f"{BEGIN}{_one_line(name)}, {megabytes:,.1f} MB", f"  licence: {_one_line(licence)}"]
    lines += [f"  {key + ':':<8} {_one_line(text)}" for key, text in more.items() if text]
    say("\n".join(lines))
    sys.stdout.flush()  # a notebook's kernel would keep it for a while


class NoticeForwarder:
    """A file for what a notebook prints: its notices go on to `say`, the rest stays in the notebook."""

    def __init__(self, say: Callable[[str], None]):
        self.say, self._inside, self._rest = say, False, ""

    def write(self, text: str) -> int:
        *lines, self._rest = (self._rest + text).split("\n")
        for line in lines:
            self._inside = line.startswith(BEGIN) or (self._inside and line.startswith("  "))
            if self._inside:
                self.say(line)
        return len(text)

    def flush(self) -> None:
        """Nothing is held back but half a line."""


def _one_line(text: str) -> str:
    return " ".join("".join(c if c.isprintable() else " " for c in str(text)).split())
