"""The C that runs on a device, as it lies in `device/`."""

from __future__ import annotations

from collections.abc import Iterable
from importlib import resources

from edgekit.errors import EdgekitError


def device_c(*names: str) -> dict[str, str]:
    """These files, by name, as `device.build(extra_files=…)` takes them; a name without an end: .h and .c."""
    folder = resources.files(__package__) / "device"
    files = [n for name in names for n in ([name] if "." in name else [f"{name}.h", f"{name}.c"])]
    return {name: (folder / name).read_text("utf-8") for name in files}


def changed(files: dict[str, str], changes: Iterable[tuple[str, str]]) -> dict[str, str]:
    """The same files with (old, new) texts; raises EdgekitError for an old one that is not there once."""
    made = dict(files)
    for old, new in changes:
        places = [name for name, text in made.items() if old in text]
        if len(places) != 1 or made[places[0]].count(old) != 1:
            raise EdgekitError(f"the C has no single place that reads {old!r}")
        made[places[0]] = made[places[0]].replace(old, new)
    return made
