"""The ledger: what each technique bought and what it cost, from files and from the emulated device."""

from __future__ import annotations

import lzma
from collections.abc import Callable, Sequence
from html import escape
from typing import TYPE_CHECKING

import numpy as np

from edgekit.core.errors import EdgekitError
from edgekit.core.figures import Figure, measured
from edgekit.core.html_table import frame_html
from edgekit.data.windows import Windows
from edgekit.design import LINES, Budget
from edgekit.design.gate import Verdicts, gate
from edgekit.learn import litert
from edgekit.learn.scores import CrossValidation, Score, score

if TYPE_CHECKING:
    import pandas as pd


RATIO = "size_ratio"  # a wish: a variant that is too large is chosen where all are
SLIGHT = 0.02  # of the flash that there is: not worth any accuracy
PARTS = ("val", "test")  # the first is for choosing; nothing is chosen by the second
DEVICE = (
    "flash_bytes",
    "ram_bytes",
    "app_flash_bytes",
    "network_bytes",
    "app_ram_bytes",
    "model_bytes",
    "instructions",
    "network_instructions",
    "latency_ms",
    "energy_uj",
)
COUNTED = {  # line of the budget -> columns that say what a variant takes of it: all, or at the least so much
    "flash_bytes": ("flash_bytes", "app_flash_bytes"),
    "ram_bytes": ("ram_bytes", "app_ram_bytes"),
    "model_bytes": ("model_bytes",),
    "latency_ms": ("latency_ms",),
}
COLUMNS = (
    "variant",
    "input",
    "type",
    "accuracy",
    "loss_points",
    "low",
    "high",
    "seeds",
    "mean_loss_points",
    "loss_low",
    "loss_high",
    "val_accuracy",
    "val_loss_points",
    "tflite_bytes",
    "stripped_bytes",
    "packed_bytes",
    *DEVICE,
    "ratio",
    "flash_ratio",
    "train_seconds",
    "runtime",
    "note",
)
PROVENANCE = {
    "accuracy": "measured: test groups, by the runtime of the row; low and high: 95 %, groups drawn",
    "mean_loss_points": "measured: points below the teacher, mean of the seeds; interval: 95 %, Student's t",
    "val_accuracy": "measured: validation groups, mean of the seeds; what the choice goes by",
    "tflite_bytes": "measured: bytes of the file; stripped: without what no runtime reads; packed: LZMA",
    "ratio": "measured: the teacher's .tflite over stripped_bytes; flash_ratio: over app_flash_bytes",
    "train_seconds": "measured: on this machine, one seed",
}


class Ledger:
    """Rows of what was tried, those that did not help included; the first is the float teacher."""

    def __init__(
        self,
        windows: Windows,
        split,
        preprocessors: dict[str, Callable],
        measure: Callable[[bytes, Callable], dict[str, Figure]] | None = None,
    ):
        """`preprocessors` names each kind of input: `{"teacher_input": …, "features": …}`.

        `measure(tflite, preprocess)` gives Figures named as DEVICE, `agent.device_cost` for one board;
        without it those columns stay empty.
        """
        self.windows, self.split, self.preprocessors = windows, split, preprocessors
        self.measure = measure
        self.rows: list[dict] = []
        self.files: dict[str, bytes] = {}
        self.recalls: dict[str, dict] = {}
        self.sources = dict(PROVENANCE)
        self._inputs: dict[tuple[str, str], np.ndarray] = {}

    def add(
        self,
        name: str,
        tflite: bytes | Sequence[bytes],
        input: str,
        seconds: float = 0.0,
        note: str = "",
        counted: bool = True,
    ) -> str:
        """Judge and enter one variant, in its row if the name is known; returns a line that says how it did.

        `tflite`: bytes, or a list of them, the same recipe from several seeds. The first is the row's file;
        the others tell how far its loss is luck. Unless `counted`, its device columns stay empty.
        """
        files = [tflite] if isinstance(tflite, bytes) else list(tflite)
        scores = [{part: self._score(file, input, part) for part in PARTS} for file in files]
        test, runtime = scores[0]["test"]
        small = litert.strip_metadata(files[0])
        row = {
            "variant": name,
            "input": input,
            "type": litert.kind(files[0]),
            "accuracy": test.balanced_accuracy,
            "low": test.low,
            "high": test.high,
            "accuracies": [s["test"][0].balanced_accuracy for s in scores],
            "val_accuracy": float(np.mean([s["val"][0].balanced_accuracy for s in scores])),
            "tflite_bytes": len(files[0]),
            "stripped_bytes": len(small),
            "packed_bytes": len(_packed(small)),
            **dict.fromkeys(DEVICE),
            "train_seconds": round(seconds, 1),
            "runtime": runtime,
            "note": note,
        }
        if counted and self.measure and row["type"] in ("int8", "float32"):
            try:
                figures = self.measure(small, self.preprocessors[input])
            except EdgekitError as error:
                row["note"] = "; ".join(filter(None, (note, f"not on the device: {error}")))
            else:
                row |= {k: f.value for k, f in figures.items()}
                self.sources |= {k: f"{f.provenance}: {f.source}" for k, f in figures.items()}
        at = next((i for i, r in enumerate(self.rows) if r["variant"] == name), len(self.rows))
        self.rows[at : at + 1] = [row]
        self.files[name] = files[0]
        self.recalls[name] = test.recall
        return f"{name}: {row['stripped_bytes']:,} bytes, {row['accuracy']:.3f} on test groups"

    def _score(self, tflite: bytes, input: str, part: str) -> tuple[Score, str]:
        """The `score` of a file on the groups of a part, and the runtime that said so."""
        held = self.windows[getattr(self.split, part)]
        if (input, part) not in self._inputs:  # every row is given the same inputs
            self._inputs[input, part] = self.preprocessors[input](held.X)
        predicted, runtime = litert.predict(tflite, self._inputs[input, part])
        return score(held.y, predicted.argmax(axis=1), held.classes, held.group), runtime

    @property
    def table(self) -> pd.DataFrame:
        table = ledger(self.rows)
        table.attrs["provenance"] = {k: v for k, v in self.sources.items() if k in COLUMNS}
        return table

    @property
    def class_recalls(self) -> pd.DataFrame:
        """Who loses? Recall of each class (columns) on the test groups, a row for each variant."""
        import pandas as pd

        return pd.DataFrame(self.recalls).T

    def _repr_html_(self) -> str:
        return f"<p>{escape(str(len(self.rows)))} variants</p>{frame_html(self.table, index=False)}"


def ledger(rows: list[dict]) -> pd.DataFrame:
    """The rows of `Ledger` against the first of them, the teacher's.

    Columns ending in `loss_points` are percentage points of balanced accuracy below the teacher; `ratio` is
    the teacher's file as the converter wrote it over the variant's slim file, `flash_ratio` over the
    flash that the application takes: features, code and weights, without the update agent and its slots.
    """
    import pandas as pd

    table = pd.DataFrame(rows)
    first = table.iloc[0]
    table["loss_points"] = 100 * (first.accuracy - table.accuracy)
    table["val_loss_points"] = 100 * (first.val_accuracy - table.val_accuracy)
    table["ratio"] = first.tflite_bytes / table.stripped_bytes
    table["flash_ratio"] = first.tflite_bytes / table.app_flash_bytes.astype(float)
    losses = [100 * (first.accuracy - np.array(seeds)) for seeds in table.accuracies]
    table["seeds"] = [len(loss) for loss in losses]
    table["mean_loss_points"] = [loss.mean() for loss in losses]
    reach = [_reach(loss) for loss in losses]
    table["loss_low"], table["loss_high"] = (
        table.mean_loss_points - reach,
        table.mean_loss_points + reach,
    )
    return table[list(COLUMNS)]


def accuracy_loss(row: pd.Series, groups: int, repeated: CrossValidation | None = None) -> Figure:
    """What the deployed model has lost against the float teacher, a fraction: the budget's line of that name.

    `row` of a ledger's table, scored on so many test `groups`. Few of them decide by chance who loses a point
    or two, so what the recipe lost where it was `repeated` on more (`grouped_cross_validation`) goes first.
    """
    lost, where = row.loss_points / 100, f"on {groups} test groups"
    if repeated and repeated.teacher:
        lost = repeated.teacher.balanced_accuracy - repeated.score.balanced_accuracy
        where = f"of the recipe on {repeated.score.groups} groups"
    return measured(float(lost), "", f"float teacher less int8 model, {where}")


def validated(row: pd.Series, budget: Budget) -> Verdicts:
    """A row held against the budget as far as it is known before the choice, on validation groups.

    Where only the application was counted, that is the least that the program with its update agent will
    take: a line that it misses is missed for certain.
    """
    figures = {
        "accuracy_floor": measured(row.val_accuracy, "", "validation groups"),
        "accuracy_loss": measured(row.val_loss_points / 100, "", "validation groups"),
        "size_ratio": measured(row.ratio, "", "bytes of the teacher's file over this one's"),
    }
    counted = row.dropna()
    for key, columns in COUNTED.items():
        for column in [c for c in columns if c in counted][:1]:
            source = f"column {column} of the ledger"
            figures[key] = measured(float(row[column]), LINES[key].unit, source)
    return gate(budget, figures)


def pick(table: pd.DataFrame, budget: Budget) -> str:
    """The variant to deploy, chosen on validation groups alone.

    Among int8 variants as small as `size_ratio` wants (all, if none is): of those that keep every other line
    that is known (`validated`) the one that takes the least flash, or has the smallest file where no device
    was asked. A difference of SLIGHT of the budget's flash (of the smallest, without one) buys nothing: then
    the better on validation, then the smaller. If none passes, the most accurate one: the gate will say that
    it fails. Raises EdgekitError where nothing is int8.
    """
    able, size = table[table.type == "int8"], "stripped_bytes"
    if "app_flash_bytes" in able and able.app_flash_bytes.notna().any():
        size = "app_flash_bytes"
        able = able[able[size].notna()]  # what cannot run is not deployed
    if able.empty:
        raise EdgekitError("no variant is int8: convert one, a microcontroller runs nothing else")
    verdicts = [validated(row, budget) for _, row in able.iterrows()]
    small = [all(v.passed for v in vs if v.key == RATIO) for vs in verdicts]
    good = [all(v.passed for v in vs if v.key != RATIO) for vs in verdicts]
    if any(small):
        able, good = able[small], [g for g, s in zip(good, small, strict=True) if s]
    good = able[good]
    if good.empty:
        return str(able.variant[able.val_accuracy.idxmax()])
    least = good[size].min()
    room = budget.flash_bytes if size == "app_flash_bytes" and budget.flash_bytes else least
    small = good[good[size] <= least + SLIGHT * room].sort_values(size, kind="stable")
    return str(small.variant[small.val_accuracy.idxmax()])


def _reach(values: np.ndarray) -> float:
    """Half the width of the 95 % interval of a mean; NaN for a single value."""
    from scipy.stats import t

    n = len(values)
    return np.nan if n < 2 else float(t.ppf(0.975, n - 1) * values.std(ddof=1) / np.sqrt(n))


def _packed(data: bytes) -> bytes:
    return lzma.compress(data, lzma.FORMAT_RAW, filters=[{"id": lzma.FILTER_LZMA2, "preset": 9}])
