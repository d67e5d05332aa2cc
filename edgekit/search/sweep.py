"""Any parameter of the notebooks, over any values: each combination is a run of its own.

A combination's run lives in `runs/sweeps/<use case>/<name=value,…>`. Chapters that have not changed since
are skipped there as anywhere, so a sweep that was stopped goes on, and a longer one reuses a shorter one.
"""

from __future__ import annotations

import ast
import hashlib
import itertools
import re
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from edgekit import usecases
from edgekit.core.errors import EdgekitError, did_you_mean
from edgekit.core.workspace import Workspace
from edgekit.pipeline import chapters as notebooks
from edgekit.pipeline import execute
from edgekit.pipeline.manifest import read_manifest
from edgekit.pipeline.options import check_choice
from edgekit.search.executor import executor

if TYPE_CHECKING:
    import pandas as pd

RUN_OPTIONS = (
    "seed",
    "profile",
)  # parameters that `edgekit run` has options for, and a sweep may vary
MAX_COMBINATIONS = 1000  # combinations


def grid(texts: list[str]) -> dict[str, list]:
    """`["seed=0,1,2", "width=4..7", "profile=quick,full"]` -> name -> values, in order.

    A value is a Python literal, else a word. Commas inside brackets and quotes do not separate. Raises
    EdgekitError for what cannot be read, for a name twice and for a value twice.
    """
    found = {}
    for text in texts:
        name, sign, values = text.partition("=")
        if not sign or not name.isidentifier() or not values.strip():
            raise EdgekitError(f"-p {text!r}: write NAME=VALUE,VALUE or NAME=FIRST..LAST")
        if name in found:
            raise EdgekitError(f"-p {name} is given twice; write its values in one")
        found[name] = _values(text, values)
        if len({repr(v) for v in found[name]}) < len(found[name]):
            raise EdgekitError(f"-p {text}: a value is there twice")
    if not found:
        raise EdgekitError("nothing to sweep: -p seed=0,1,2 for example")
    return found


def combinations(values: dict[str, list]) -> list[dict]:
    """Every combination, the last name varying fastest."""
    return [dict(zip(values, each, strict=True)) for each in itertools.product(*values.values())]


def run(
    use_case: str,
    values: dict[str, list],
    through: str = "",
    offline: bool = False,
    workers: int = 1,
    scheduler: str = "",
    say: Callable[[str], None] = print,
) -> tuple[pd.DataFrame, Path]:
    """Run every combination; returns a table of all their figures, and where it was saved as CSV.

    One row for each figure of each chapter: the combination's values, `state` ("done" or "failed"),
    `chapter`, `figure`, `value`, `unit`, `provenance`, `source`; a failed combination has one row, and
    its reason as `source`. `workers` are processes of this machine, `scheduler` a Dask cluster that
    sees the same files. Raises EdgekitError for an unknown parameter before anything is run.
    """
    import pandas as pd

    _check(use_case, values, through)
    each = combinations(values)
    parent = Workspace.find().runs / "sweeps" / use_case
    parent.mkdir(parents=True, exist_ok=True)
    tasks = {
        n: (use_case, combination, through, offline, str(parent / folder(combination, offline)))
        for n, combination in enumerate(each)
    }
    began, rows = time.monotonic(), {}
    with executor(workers, scheduler, shared=parent, say=say) as pool:
        for n, result in pool.map(run_combination, tasks):
            if isinstance(result, Exception):  # a worker that died
                result = _failed(f"{type(result).__name__}: {result}")
            rows[n] = result
            state = "failed: " + result[0]["source"] if result[0]["state"] == "failed" else "done"
            say(f"{len(rows)} of {len(each)}  {_named(each[n])}  {state}  "
                f"({time.monotonic() - began:.0f} s)")  # fmt: skip
    table = pd.DataFrame([{**each[n], **row} for n in sorted(rows) for row in rows[n]])
    path = parent / f"{'_'.join(values)}.csv"
    table.to_csv(path, index=False)
    return table, path


def run_combination(
    use_case: str, combination: dict, through: str, offline: bool, directory: str
) -> list[dict]:
    """One combination, in whatever process this is: its rows of the table."""
    itself = {k: v for k, v in combination.items() if k in RUN_OPTIONS}
    others = {k: v for k, v in combination.items() if k not in RUN_OPTIONS}
    try:
        _, outcomes = execute.execute(
            use_case, run_dir=directory, through=through, offline=offline, parameters=others,
            say=lambda _: None, **itself,
        )  # fmt: skip
    except EdgekitError as error:
        return _failed(str(error))
    steps = read_manifest(Path(directory))["steps"]
    return [
        {"state": "done", "chapter": o.step, "figure": name}
        | {k: figure.get(k) for k in ("value", "unit", "provenance", "data", "source")}
        for o in outcomes
        for name, figure in steps[o.step]["figures"].items()
    ] or [{"state": "done", "chapter": "", "figure": "", "source": "no chapter has a figure"}]


def folder(combination: dict, offline: bool = False) -> str:
    """The name of a combination's directory: its values, and a hash where they are no file name."""
    name = ",".join(f"{k}={v}" for k, v in sorted(combination.items()))
    if offline:
        name += ",offline"
    plain = re.sub(r"[^\w.,=+-]", "_", name)[:80]
    digest = hashlib.sha256(name.encode()).hexdigest()[:8]
    return plain if plain == name else f"{plain}-{digest}"


def format_table(table: pd.DataFrame) -> str:
    """The table for a person: a line for each figure, a column for each combination."""
    names = [c for c in table.columns if c not in _COLUMNS]
    done = table[table.state == "done"]
    if done.empty:
        return "nothing was done"
    key = ["chapter", "figure", "unit", "provenance", "data"]
    wide = done.assign(
        value=done.value.astype(float), data=done.data.astype(object).fillna("")
    ).pivot_table(
        index=key, columns=names, values="value", aggfunc="first", sort=False, dropna=False
    )
    wide = wide.dropna(how="all")
    return wide.to_string(float_format=lambda v: f"{v:,.4g}" if abs(v) < 1e4 else f"{v:,.0f}")


_COLUMNS = ("state", "chapter", "figure", "value", "unit", "provenance", "data", "source")


def _values(text: str, values: str) -> list:
    if span := re.fullmatch(r"\s*(-?\d{1,18})\.\.(-?\d{1,18})\s*", values):
        first, last = int(span[1]), int(span[2])
        if not 0 <= last - first < MAX_COMBINATIONS:
            raise EdgekitError(
                f"-p {text}: from the lower to the higher, {MAX_COMBINATIONS} at most"
            )
        return list(range(first, last + 1))
    try:
        read = ast.literal_eval(values)
        return list(read) if isinstance(read, tuple) else [read]
    except (ValueError, SyntaxError, TypeError, RecursionError, MemoryError):
        return [literal(word.strip()) for word in values.split(",") if word.strip()]


def literal(word: str):
    """A Python literal as the value it stands for; any other word as it is."""
    try:
        return ast.literal_eval(word)
    except (ValueError, SyntaxError, TypeError, RecursionError, MemoryError):
        return word


def _check(use_case: str, values: dict[str, list], through: str) -> None:
    workspace = Workspace.find()
    usecases.folder(use_case, workspace.folder)
    chapters = notebooks.chapters(workspace)
    last = (
        list(chapters).index(notebooks.full_name(through, chapters))
        if through
        else len(chapters) - 1
    )
    known = set(RUN_OPTIONS).union(
        *(notebooks.parameters(p) for p in list(chapters.values())[: last + 1])
    ) - {"use_case", "run_dir", "offline"}
    for name in values:
        if name not in known:
            upto = f" through {list(chapters)[last]}" if through else ""
            raise EdgekitError(
                f"no chapter{upto} has a parameter {name!r}.{did_you_mean(name, sorted(known))}"
            )
    for profile in values.get("profile", ["quick"]):
        check_choice(profile, 0)
    for seed in values.get("seed", [0]):
        check_choice("quick", seed)
    if len(combinations(values)) > MAX_COMBINATIONS:
        raise EdgekitError(
            f"{len(combinations(values)):,} combinations; {MAX_COMBINATIONS:,} are the most"
        )


def _failed(reason: str) -> list[dict]:
    return [{"state": "failed", "chapter": "", "figure": "", "source": reason}]


def _named(combination: dict) -> str:
    return ", ".join(f"{k} {v}" for k, v in combination.items())
