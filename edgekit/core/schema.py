"""Versions of what is written: who reads another one says so, and what to do."""

from __future__ import annotations

from edgekit.core.errors import EdgekitError


def check_version(where: object, found: object, reads: int, remedy: str) -> None:
    """Raises EdgekitError unless the file `where` was written with the schema number that is read here.

    found: the number that it says; reads: the one of here. remedy: what to do, the end of the sentence.
    """
    if found != reads:
        raise EdgekitError(
            f"{where} was written by another version of edgekit (schema {found!r}, this one reads {reads}): "
            f"{remedy}"
        )
