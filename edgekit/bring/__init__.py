"""Bring your own data: read a folder that nobody prepared, understand it, make a use case of it.

found = read("my_csvs")                     # whatever can be read, and why the rest cannot
plan = understand(found, Options())         # classes, groups, channels, rate, window, with reasons
write("pump", plan, root, Options())        # usecases/pump/ and data/pump.toml
"""

from edgekit.bring.folder import Found, read
from edgekit.bring.plan import Options, Plan, understand, wanted
from edgekit.bring.usecase_helpers import (
    another_sensor,
    coarse,
    pictures,
    recordings,
    vary,
    vary_pictures,
    windows,
)
from edgekit.bring.write import places, write

__all__ = [
    "Found",
    "Options",
    "Plan",
    "another_sensor",
    "coarse",
    "pictures",
    "places",
    "read",
    "recordings",
    "understand",
    "vary",
    "vary_pictures",
    "wanted",
    "windows",
    "write",
]
