"""Windows: equal pieces of recordings, with everything a split needs to stay honest."""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar
from zipfile import BadZipFile

import numpy as np

from edgekit.core.atomic import atomic_write
from edgekit.core.errors import EdgekitError
from edgekit.core.escape import html as escape
from edgekit.core.html_table import TABLE


@dataclass(frozen=True)
class Windows:
    """Equal-length pieces of recordings.

    `X` (n, time, channel) float32, or images (n, height, width, channel); `y` (n,) int64, an index into
    `classes`; `group`, `domain` and `origin` (n,) strings: what a split keeps together, which world, and
    `recording@first_sample`. `dropped` counts the samples at the ends of recordings that filled no window.
    `simulated` (n,) bool: whether no sensor was there; one value stands for all.
    """

    SCHEMA: ClassVar[int] = 1

    X: np.ndarray
    y: np.ndarray
    classes: tuple[str, ...]
    group: np.ndarray
    domain: np.ndarray
    origin: np.ndarray
    rate: float
    dropped: int = 0
    simulated: np.ndarray | bool = False

    def __post_init__(self):
        n = len(self.X)
        if np.ndim(self.simulated) == 0:
            object.__setattr__(self, "simulated", np.full(n, bool(self.simulated)))
        for name in ("y", "group", "domain", "origin", "simulated"):
            if len(getattr(self, name)) != n:
                raise ValueError(f"{name} has {len(getattr(self, name))} rows, X has {n}")

    def __len__(self) -> int:
        return len(self.X)

    @property
    def recording(self) -> np.ndarray:
        """(n,) the name of the recording that each window was cut from."""
        return np.array([str(origin).rpartition("@")[0] for origin in self.origin])

    def __getitem__(self, rows) -> Windows:
        """The same windows, only the given rows (index array, mask or slice)."""
        return Windows(
            self.X[rows],
            self.y[rows],
            self.classes,
            self.group[rows],
            self.domain[rows],
            self.origin[rows],
            self.rate,
            simulated=np.asarray(self.simulated)[rows],
        )

    def save(self, path: Path | str) -> None:
        """As one `.npz`, whole or not at all."""
        with atomic_write(Path(path)) as half, half.open("wb") as file:
            np.savez(
                file,
                schema=np.int64(self.SCHEMA),
                X=self.X,
                y=self.y,
                classes=np.array(self.classes, dtype=str),
                group=self.group.astype(str),
                domain=self.domain.astype(str),
                origin=self.origin.astype(str),
                rate=np.float64(self.rate),
                dropped=np.int64(self.dropped),
                simulated=self.simulated,
            )

    @classmethod
    def load(cls, path: Path | str) -> Windows:
        try:
            with np.load(path, allow_pickle=False) as f:
                if (version := int(f["schema"])) != cls.SCHEMA:
                    raise ValueError(f"schema {version}, this edgekit reads {cls.SCHEMA}")
                return cls(
                    f["X"],
                    f["y"],
                    tuple(str(c) for c in f["classes"]),
                    f["group"],
                    f["domain"],
                    f["origin"],
                    float(f["rate"]),
                    int(f["dropped"]),
                    f["simulated"],
                )
        except (OSError, KeyError, ValueError, EOFError, BadZipFile, zlib.error) as error:
            raise EdgekitError(f"{path} holds no windows ({error}); run 01_collect again") from None

    def _repr_html_(self) -> str:
        rows = "".join(
            f"<tr><td>{escape(name)}</td><td>{np.sum(self.y == i):,}</td>"
            f"<td>{len(set(self.group[self.y == i]))}</td></tr>"
            for i, name in enumerate(self.classes)
        )
        return (
            f"<p>{len(self):,} windows of {' × '.join(map(str, self.X.shape[1:-1]))} samples × "
            f"{self.X.shape[-1]} channel(s) at {self.rate:,.0f} Hz "
            f"({self.dropped:,} samples filled none)</p>"
            f"{TABLE}<tr><th>class</th><th>windows</th><th>groups</th></tr>{rows}</table>"
        )


def subsample(windows: Windows, most: int, by_class: bool = False) -> Windows:
    """At most about `most` windows: every k-th of each group, so that all groups stay.

    by_class: the classes share `most` evenly, and one that has fewer keeps all it has.
    """
    if by_class and len(windows) > most:
        present = np.unique(windows.y)
        kept = np.zeros(len(windows), bool)
        for c in present:
            own = np.flatnonzero(windows.y == c)
            step = -(-len(own) * len(present) // most)
            for g in np.unique(windows.group[own]):
                kept[own[windows.group[own] == g][::step]] = True
        return windows[kept]
    step = -(-len(windows) // most)
    rows = [np.flatnonzero(windows.group == g)[::step] for g in np.unique(windows.group)]
    return windows[np.sort(np.concatenate(rows))] if step > 1 else windows


def concat(parts: list[Windows]) -> Windows:
    """The `parts` one after the other. Raises ValueError unless all share classes, rate and shape."""
    first = parts[0]
    for part in parts[1:]:
        if (part.classes, part.rate, part.X.shape[1:]) != (
            first.classes,
            first.rate,
            first.X.shape[1:],
        ):
            raise ValueError("windows of different classes, rates or shapes cannot be joined")
    columns = {
        name: np.concatenate([getattr(p, name) for p in parts])
        for name in ("X", "y", "group", "domain", "origin", "simulated")
    }
    dropped = sum(p.dropped for p in parts)
    return Windows(classes=first.classes, rate=first.rate, dropped=dropped, **columns)
