"""The C that runs on a device, in one tree: what a C person looks for lies where they look.

kernels/    the operators of a network, as headers; the generated code includes those it needs
features/   the features, each the twin of a Python file of `signal/`
runtime/    start-up, linker script, counters, messages (laid out by `message.py`)
agent/      the update agent: CBOR, manifest, slots, delta, keys
monitor/    what a device keeps to notice that its world changes
learn/      training a network's last layer on the device
telemetry/  a device's events until they are acknowledged, and the numbers that make their keys
crypto/     signatures, hashes, ciphers; what others wrote stands there unchanged, with its notice
checks/     what tests and searches link beside the agent: a flash that loses power, entry points of fuzzers
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from importlib import resources

from edgekit.core.errors import EdgekitError

UPDATES = ("agent", "crypto", "telemetry", "checks")  # folders of what is found by name


def text(folder: str, name: str) -> str:
    """One file of the tree."""
    return (resources.files(__package__) / folder / name).read_text("utf-8")


def with_includes(wanted: Iterable[str], read: Callable[[str], str]) -> dict[str, str]:
    """These headers and those that they include, name -> text, in the order of their names."""
    files: dict[str, str] = {}
    work = list(wanted)
    while work:
        header = work.pop()
        if header not in files:
            files[header] = read(header)
            lines = (line.split('"') for line in files[header].splitlines())
            work += [parts[1] for parts in lines if parts[0].strip() == "#include"]
    return dict(sorted(files.items()))


def c_sources(*names: str) -> dict[str, str]:
    """Files of the update agent by name, as `build(extra_files=…)` takes them; without an end: .h and .c."""
    files = [n for name in names for n in ([name] if "." in name else [f"{name}.h", f"{name}.c"])]
    return {name: update_source(name) for name in files}


def update_source(name: str) -> str:
    """One file of the update agent. The one place where its C is read, so that mutants can stand in for it.

    Raises FileNotFoundError if there is none of this name.
    """
    tree = resources.files(__package__)
    there = (path for folder in UPDATES if (path := tree / folder / name).is_file())
    return next(there, tree / "agent" / name).read_text("utf-8")


def patch_sources(files: dict[str, str], changes: Iterable[tuple[str, str]]) -> dict[str, str]:
    """The same files with (old, new) texts; raises EdgekitError for an old one that is not there once."""
    made = dict(files)
    for old, new in changes:
        places = [name for name, text in made.items() if old in text]
        if len(places) != 1 or made[places[0]].count(old) != 1:
            raise EdgekitError(f"the C has no single place that reads {old!r}")
        made[places[0]] = made[places[0]].replace(old, new)
    return made
