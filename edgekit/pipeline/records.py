"""What chapters hand to each other besides arrays and models: typed records, each with a schema version.

A record is a frozen dataclass, written as JSON with its name and its version. What is read has been checked
field by field; another version, an unknown field or a damaged file is one line that says what to do.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, fields
from typing import Any, ClassVar, Protocol, TypeVar

import numpy as np

from edgekit.core.errors import EdgekitError
from edgekit.core.escape import html as escape
from edgekit.core.html_table import TABLE, frame_html
from edgekit.core.jsonable import to_jsonable
from edgekit.core.schema import check_version
from edgekit.learn.ledger import Ledger
from edgekit.learn.scores import CrossValidation, Score, interval
from edgekit.learn.teacher_checks import Finding
from edgekit.monitor.confidence import ConfidenceGate


class Record(Protocol):
    """A frozen dataclass that is written with its version."""

    SCHEMA: ClassVar[int]


Kind = TypeVar("Kind", bound=Record)


@dataclass(frozen=True)
class TrainingScores:
    """What chapter 03 trained: widths, the sweep that chose the teacher's (a row for each width, empty where
    none was made), what speaks against the teacher, and both networks' scores."""

    SCHEMA: ClassVar[int] = 1

    teacher_width: int
    student_width: int
    sweep: tuple[dict[str, float], ...]
    findings: tuple[Finding, ...]
    teacher_val: Score
    teacher_test: Score
    student_val: Score
    student_test: Score


@dataclass(frozen=True)
class LedgerTable:
    """Every variant that chapter 04 tried: a row each, as the columns of `learn.ledger` explain them.

    `provenance`: column -> where its figures come from. `recalls`: variant -> class -> recall on the test
    groups. `chosen`: the variant that is deployed.
    """

    SCHEMA: ClassVar[int] = 1

    rows: tuple[dict[str, float | str | None], ...]
    provenance: dict[str, str]
    recalls: dict[str, dict[str, float]]
    chosen: str

    @classmethod
    def of(cls, ledger: Ledger, chosen: str) -> LedgerTable:
        """What a `learn.Ledger` holds, and which of its variants was chosen."""
        table = ledger.table
        rows = tuple(to_jsonable(table.to_dict("records")))
        return cls(rows, table.attrs["provenance"], ledger.recalls, chosen)

    @property
    def table(self):
        """The rows as a DataFrame with the variants as its index."""
        import pandas as pd

        return pd.DataFrame(self.rows).set_index("variant")

    def _repr_html_(self) -> str:
        sources = "".join(
            f"<tr><td>{escape(column)}</td><td>{escape(source)}</td></tr>"
            for column, source in self.provenance.items()
        )
        return f"{frame_html(self.table)}{TABLE}{sources}</table>"


@dataclass(frozen=True)
class ModelCard:
    """The model that is deployed: `model.tflite`, and what its users must know of it.

    `name`: its row of the ledger. `input`: which preprocessing of the use case it takes. `test`: its score on
    the test groups, by `runtime`; `float_accuracy`: before rounding; `loss_points`: percentage points below
    the teacher. `recipe`: what it reaches on all groups; None where that was not tried. `confidence_gate`:
    when an answer may be trusted.
    """

    SCHEMA: ClassVar[int] = 1

    name: str
    classes: tuple[str, ...]
    input: str
    runtime: str
    test: Score
    float_accuracy: float
    loss_points: float
    confidence_gate: ConfidenceGate
    recipe: CrossValidation | None = None

    def _repr_html_(self) -> str:
        rows = {
            "classes": ", ".join(self.classes),
            "takes": self.input,
            "balanced accuracy": f"{self.test.balanced_accuracy:.3f} ({interval(self.test)}), "
            f"{self.test.groups} test groups, by {self.runtime}",
            "before rounding": f"{self.float_accuracy:.3f}",
            "below the teacher": f"{self.loss_points:+.2f} points",
            "trusted from": f"{self.confidence_gate.floor:.2f} at temperature "
            f"{self.confidence_gate.temperature:.2f}",
        }
        if self.recipe:
            again = self.recipe.score
            rows["the recipe"] = (
                f"{again.balanced_accuracy:.3f} on all {again.groups} groups, each tested once"
            )
        body = "".join(f"<tr><th>{k}</th><td>{escape(v)}</td></tr>" for k, v in rows.items())
        return f"<b>{escape(self.name)}</b>{TABLE}{body}</table>"


@dataclass(frozen=True)
class GoldenPairs:
    """What the device must reproduce to the byte: int8 `inputs` (n, …) and the `outputs` (n, …) of TFLM."""

    SCHEMA: ClassVar[int] = 1

    inputs: np.ndarray
    outputs: np.ndarray


# --------------------------------------------------------------------------------- JSON and back


def dump(record: Record) -> str:
    """A record as JSON; same record, same text."""
    kind = type(record)
    named = {"record": kind.__name__, "schema": kind.SCHEMA}
    return json.dumps(named | to_jsonable(_plain(record)), indent=1, allow_nan=False)


def load(text: str, kind: type[Kind], where: object) -> Kind:
    """The record of a JSON text. Raises EdgekitError, in one line, for anything else; `where` names it."""
    import dacite

    try:
        values = json.loads(text)
        found = values.pop("record"), values.pop("schema")
    except (ValueError, KeyError, AttributeError, TypeError, RecursionError) as error:
        raise EdgekitError(f"{where} is damaged, or no record ({error}): make it again") from None
    check_schema(found, kind, where)
    hooks = {np.ndarray: _rows, float: _float}
    try:
        return dacite.from_dict(kind, values, dacite.Config(hooks, cast=[tuple], strict=True))
    except (dacite.DaciteError, ValueError, TypeError, OverflowError) as error:
        raise EdgekitError(f"{where} is damaged ({error}): make it again") from None


def check_schema(found: tuple[Any, Any], kind: type[Record], where: object) -> None:
    """Raises EdgekitError where a file holds another record than `kind`, or another version of it.

    `found`: the name and the schema number that the file at `where` says.
    """
    name, version = found
    if name != kind.__name__:
        raise EdgekitError(f"{where} holds {name!r}, not {kind.__name__}")
    check_version(where, version, kind.SCHEMA, "make it again")


def _plain(value):
    """Dataclasses inside become dictionaries, whatever else they hold stays."""
    if hasattr(value, "__dataclass_fields__"):
        return {f.name: _plain(getattr(value, f.name)) for f in fields(value)}
    if isinstance(value, (list, tuple)):
        return [_plain(v) for v in value]
    if isinstance(value, dict):
        return {k: _plain(v) for k, v in value.items()}
    return value


def _rows(value) -> np.ndarray:
    """Row numbers, (n,) int64."""
    if not isinstance(value, list) or not all(type(v) is int for v in value):
        raise ValueError("row numbers are whole")
    return np.array(value, np.int64)


def _float(value):
    return float(value) if type(value) is int else value
