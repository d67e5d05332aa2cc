"""What the command line takes for a number, and how it says no: in one line."""

from __future__ import annotations

import argparse
import math
from collections.abc import Callable

from edgekit.core.errors import EdgekitError

SHELLS = (
    "bash",
    "zsh",
    "tcsh",
    "fish",
    "powershell",
)  # shtab's, which is loaded by who asks for it


class Completion(argparse.Action):
    """Prints what makes a shell complete the commands, and ends."""

    def __call__(self, parser, namespace, values, option_string=None):
        import shtab

        print(shtab.complete(parser, values))
        parser.exit()


class Parser(argparse.ArgumentParser):
    """Says a mistake as every other part of the kit does."""

    def error(self, message: str):
        raise EdgekitError(f"{message} (`{self.prog} --help`)")


def int_between(low: int, high: int) -> Callable[[str], int]:
    """A whole number from `low` to `high`, for `add_argument(type=…)`."""
    return _number(int, low, high)


def float_between(low: float, high: float) -> Callable[[str], float]:
    """A finite number from `low` to `high`."""
    return _number(float, low, high)


def _number(kind, low, high):
    def read(text: str):
        try:
            value = kind(text)
        except ValueError:
            value = math.nan
        if not low <= value <= high:  # nan is neither
            what = "a whole number" if kind is int else "a number"
            raise argparse.ArgumentTypeError(
                f"{text[:40]!r} is not {what} from {low:,} to {high:,}"
            )
        return value

    return read


def refuse_empty(words: list[str]) -> None:
    """Raises EdgekitError where somebody's variable was empty: `--run-dir "$RUN"`."""
    for before, word in zip(["", *words], words, strict=False):
        if not word or (word.startswith("--") and word.endswith("=")):
            option = word.rstrip("=") or (before if before.startswith("-") else "an argument")
            raise EdgekitError(f"{option} is empty: leave it out, or say what")
        if "\0" in word:
            raise EdgekitError(f"{word!r}: a zero byte is in no name")
