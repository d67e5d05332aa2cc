"""What the files of a folder hold: readings, and why some gave none."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from edgekit.tables.reading import Reading


@dataclass
class FolderContents:
    """`readings` in the order of their names; `failed`: file -> why; `ignored`: file -> why it is no data;
    `label_table`: file -> {"label": …, "group": …} of a table of labels; `warnings`: what a person should
    read."""

    root: Path
    readings: list[Reading] = field(default_factory=list)
    failed: dict[str, str] = field(default_factory=dict)
    ignored: dict[str, str] = field(default_factory=dict)
    label_table: dict[str, dict[str, str]] = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)
