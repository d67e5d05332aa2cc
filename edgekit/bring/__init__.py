"""Bring your own data: read a folder that nobody prepared, infer a plan, make a use case of it.

found = read("my_csvs")                     # whatever can be read, and why the rest cannot
plan = infer_plan(found, Options())         # classes, groups, channels, rate, window, with reasons
write("pump", plan, root, Options())        # usecases/pump/ and data/pump.toml
"""

from edgekit.bring.folder import read
from edgekit.bring.infer import infer_plan, wanted
from edgekit.bring.plan import Options, Plan
from edgekit.bring.usecase_helpers import (
    augment_images,
    augment_signals,
    block_statistics,
    pictures,
    recordings,
    simulate_sensor_shift,
    windows,
)
from edgekit.bring.writing import usecase_paths, write
from edgekit.readers.folder_contents import FolderContents

__all__ = [
    "FolderContents",
    "Options",
    "Plan",
    "augment_images",
    "augment_signals",
    "block_statistics",
    "infer_plan",
    "pictures",
    "read",
    "recordings",
    "simulate_sensor_shift",
    "usecase_paths",
    "wanted",
    "windows",
    "write",
]
