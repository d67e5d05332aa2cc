"""Of all that `requirements.lock` pins, what some extras need on one kind of computer."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from packaging.markers import Marker
from packaging.requirements import Requirement

from edgekit.bundle.platforms import Platform
from edgekit.core import workspace
from edgekit.core.errors import EdgekitError
from edgekit.core.extras import canonical

PLACES = ("_share/lock/requirements.lock", "../requirements.lock")  # installed; beside the sources
BLOCK = re.compile(  # a pin, and the indented lines below it
    r"^(?P<name>[\w.-]+)==(?P<version>\S+)(?: ; (?P<marker>[^\\\n]+?))?"
    r"(?P<rest>(?: \\)?\n(?:[ \t]+.*\n?)*)",
    re.M,
)


@dataclass(frozen=True)
class Locked:
    """One pinned release: the SHA-256 that its files may have, and the packages that ask for it (`via`)."""

    name: str
    version: str
    marker: str
    hashes: frozenset[str]
    via: frozenset[str]

    def on(self, platform: Platform, python: str) -> bool:
        """Whether any patch of that Python installs it there."""
        if not self.marker:
            return True
        marker = Marker(self.marker)
        return any(marker.evaluate(e) for e in platform.environments(python))


def text() -> str:
    """The lock that the kit was made with. Raises EdgekitError where an installation lacks it."""
    for place in PLACES:
        path = workspace.PACKAGE / place
        if path.is_file():
            return path.read_text(encoding="utf-8")
    raise EdgekitError("this installation of edgekit lacks requirements.lock: install it again")


def read(text: str) -> list[Locked]:
    """The pins of a lock as `uv pip compile --generate-hashes` writes it. A name may be there twice, for
    different Pythons."""
    return [
        Locked(
            canonical(m["name"]), m["version"], (m["marker"] or "").strip(),
            frozenset(re.findall(r"--hash=sha256:([0-9a-f]{64})", m["rest"])),
            frozenset(map(canonical, re.findall(r"^ +#(?: via)? +([\w.-]+)", m["rest"], re.M))),
        )
        for m in BLOCK.finditer(text)
    ]  # fmt: skip


def needed(
    pins: list[Locked],
    requirements: Iterable[str],
    extras: Iterable[str],
    platform: Platform,
    python: str,
) -> list[Locked]:
    """The pins that a kit with `requirements` (lines of its metadata) and `extras` installs on a platform.

    Whatever one of them asks for is among them, by what the lock says of who asked. Raises EdgekitError
    for a requirement that the lock does not know.
    """
    known = {p.name for p in pins}
    wanted = set()
    for line in requirements:
        asked = Requirement(line)
        if not _asked(asked, extras, platform, python):
            continue
        if canonical(asked.name) not in known:
            raise EdgekitError(f"requirements.lock has no {asked.name}: `make lock`")
        wanted.add(canonical(asked.name))
    there = [p for p in pins if p.on(platform, python)]
    before = -1
    while len(wanted) != before:
        before = len(wanted)
        wanted |= {p.name for p in there if p.via & wanted}
    return [p for p in there if p.name in wanted]


def _asked(asked: Requirement, extras: Iterable[str], platform: Platform, python: str) -> bool:
    marker = asked.marker
    return marker is None or any(
        marker.evaluate({**e, "extra": extra})
        for e in platform.environments(python)
        for extra in ("", *extras)
    )
