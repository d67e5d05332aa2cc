"""What a use case must do so that every chapter can be run with it: `edgekit check NAME` runs this.

    for outcome in check("pump", Workspace.find().folder):
        print(outcome)

What its file must define, `usecases.load` says; here it is run: on the recordings of the quick profile,
offline. A check that fails says in a line what was found and what should have been.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np

from edgekit import usecases
from edgekit.core.errors import EdgekitError
from edgekit.core.extras import remedy
from edgekit.data.recordings import DOMAINS, TARGET, Recording
from edgekit.data.splits import PARTS, assert_no_leak
from edgekit.data.windows import Windows
from edgekit.signal.step import Step
from edgekit.usecases.usecase import UseCase

FOLDS = 3
SOME = 4  # windows, where a few tell as much as all


class BrokenContract(EdgekitError):
    """What a use case does that it must not, or does not that it must, in a line."""


class NotChecked(EdgekitError):
    """Why something could not be checked here, in a line."""


@dataclass(frozen=True)
class Outcome:
    """One check: what was checked, and the line that says what is wrong; "" where nothing is."""

    what: str
    wrong: str = ""
    skipped: str = ""

    def __str__(self) -> str:
        if self.wrong:
            return f"✗ {self.what}: {self.wrong}"
        return f"– {self.what}: {self.skipped}" if self.skipped else f"✓ {self.what}"


class Subject:
    """A use case while it is checked; its recordings and windows are made once, when first asked for."""

    def __init__(self, case: UseCase):
        self.case = case

    @cached_property
    def recordings(self) -> dict[str, list[Recording]]:
        """Recordings of both domains, as `recordings` gives them."""
        return {d: list(self.case.recordings(d, "quick", offline=True, seed=0)) for d in DOMAINS}

    @cached_property
    def windows(self) -> dict[str, Windows]:
        """Windows of both domains, as chapter 01 makes them."""
        prepared = {
            d: [self.case.prepare(r) for r in found] for d, found in self.recordings.items()
        }
        return {d: self.case.windows(found, "quick") for d, found in prepared.items()}

    @property
    def some(self) -> np.ndarray:
        """A few windows of the target domain."""
        return self.windows[TARGET].X[:SOME]


def hold(condition: object, line: str) -> None:
    """Raises BrokenContract with `line` where `condition` is not met."""
    if not condition:
        raise BrokenContract(line)


def check_budget(subject: Subject) -> None:
    """`design.toml` can be read, is this use case's, and counts on messages as large as they are."""
    from edgekit.design import load

    case, design = subject.case, load(subject.case.folder / "design.toml")
    name, paid = design.use_case.name, design.duty.message_bytes
    hold(name == case.name, f"design.toml is of {name!r}, the folder is {case.name!r}")
    if case.MESSAGE is not None:
        size = case.MESSAGE.size
        hold(size <= paid, f"MESSAGE has {size} bytes, message_bytes of design.toml is {paid}")


def check_recordings(subject: Subject) -> None:
    """Both domains have recordings with samples, of CLASSES, and a data card."""
    from edgekit.datasets import card

    classes = subject.case.CLASSES
    for domain, found in subject.recordings.items():
        hold(found, f'recordings("{domain}", …) gives none')
        for r in found:
            hold(isinstance(r, Recording), f'recordings("{domain}", …) gives {type(r).__name__}')
            hold(r.domain == domain, f"{r.name} is of {domain!r}, its domain says {r.domain!r}")
            hold(len(r.samples), f"{r.name} holds no sample")
            known = r.label is None or r.label in classes
            hold(known, f"{r.name} is labelled {r.label!r:.40}, which is not in CLASSES")
            hold(r.source, f"{r.name} names no data card: its source is empty")
        for source in sorted({r.source for r in found}):
            card(source)


def check_windows(subject: Subject) -> None:
    """Both domains give windows of the same classes and shape, with every class in them."""
    case = subject.case
    for domain, w in subject.windows.items():
        hold(isinstance(w, Windows), f"windows gives {type(w).__name__}, not Windows")
        hold(len(w), f"windows of {domain!r}: none")
        same = tuple(w.classes) == tuple(case.CLASSES)
        hold(same, f"windows of {domain!r} have the classes {w.classes}, not CLASSES")
        hold(w.X.dtype == np.float32, f"windows of {domain!r} are {w.X.dtype}, not float32")
        hold(set(w.domain) == {domain}, f"windows of {domain!r} say {sorted(set(w.domain))}")
        absent = [c for k, c in enumerate(w.classes) if not (w.y == k).any()]
        hold(not absent, f"windows of {domain!r} hold none of {absent[:1]}")
        close = abs(w.rate / case.RATE - 1) < 1e-6
        hold(close, f"windows of {domain!r} are at {w.rate:g} Hz, RATE is {case.RATE:g}")
    shapes = [w.X.shape[1:] for w in subject.windows.values()]
    hold(len(set(shapes)) == 1, f"windows differ in shape: {' and '.join(map(str, shapes))}")


def check_split(subject: Subject) -> None:
    """`split` and `folds` keep groups whole, and leave no part empty."""
    windows = subject.windows[TARGET]
    split = subject.case.split(windows, seed=0)
    for part in PARTS:
        hold(len(getattr(split, part)), f"split leaves {part} empty")
    assert_no_leak(windows, split)
    dealt = subject.case.folds(windows, FOLDS, 0)
    hold(len(dealt) == FOLDS, f"folds(windows, {FOLDS}, 0) gives {len(dealt)}")
    for fold in dealt:
        both = set(windows.group[fold.train]) & set(windows.group[fold.test])
        hold(not both, f"a fold trains and tests on group {sorted(both)[:1]}")
    tested = np.concatenate([f.test for f in dealt])
    hold(len(tested) == len(np.unique(tested)), "folds test a window twice")


def check_inputs(subject: Subject) -> None:
    """Each input of a network, those in SEARCH too, has the shape that it promises."""
    from edgekit.search import space

    case = subject.case
    space.choices(case, case.features.shape, teacher=True)  # refuses what a search does not know
    for name, step in usecases.preprocessors(case).items():
        made = step(subject.some)
        shape = (len(subject.some), *step.shape)
        hold(made.shape == shape, f"{name} gives {made.shape}, its shape promises {shape}")
        hold(made.dtype == np.float32, f"{name} gives {made.dtype}, not float32")
        hold(np.isfinite(made).all(), f"{name} gives values that are no numbers")
    table = case.descriptor(subject.some)
    good = getattr(table, "ndim", 0) == 2 and len(table) == len(subject.some)
    hold(good, f"descriptor gives {np.shape(table)}, not a table with a row a window")


def check_c(subject: Subject) -> None:
    """The C twin of each input gives the same bits as its Python, compiled for this machine."""
    for name, step in usecases.preprocessors(subject.case).items():
        delivered = step.cut(subject.some) if hasattr(step, "cut") else subject.some
        truth, made = step(subject.some).reshape(len(subject.some), -1), in_c(step, delivered)
        other = int((_bits(truth) != _bits(made)).sum())
        hold(not other, f"{name}: {other} of {truth.size} values of its C differ from its Python")


def in_c(step: Step, X: np.ndarray) -> np.ndarray:
    """(n, values) float32 that the C of a step makes of windows `X`, in a library for this machine.

    Raises NotChecked where there is no compiler.
    """
    from edgekit.emulate.compare_features import run_library
    from edgekit.emulate.toolchain import host_library

    try:
        library = host_library(step.c("check"), "-O2")
    except ModuleNotFoundError as error:
        raise NotChecked(f"{error}; {remedy('device')}") from None
    return run_library(ctypes.CDLL(str(library)), "check", step, X)[0]


def _bits(x: np.ndarray) -> np.ndarray:
    """float32 as integers; the two zeros count as one."""
    return (np.asarray(x, np.float32) + np.float32(0)).view(np.uint32)


def check_augment(subject: Subject) -> None:
    """`augment` keeps the shape, changes something but not what it was given, and follows its generator."""
    X = subject.some
    before = X.copy()
    first, again = (subject.case.augment(X, np.random.default_rng(5)) for _ in range(2))
    hold(np.array_equal(X, before), "augment changes the windows that it is given")
    hold(first.shape == X.shape, f"augment makes {first.shape} of {X.shape}")
    hold(np.array_equal(first, again), "augment gives other windows with the same generator")
    hold(not np.array_equal(first, X), "augment changes nothing")


def check_drifts(subject: Subject) -> None:
    """Each drift keeps the shape, is nothing at severity 0 and something at 1, and follows its generator."""
    X, seed = subject.some, 5
    before = X.copy()
    for name, drift in subject.case.DRIFTS.items():
        none, half, worst, again = (
            drift(X, severity, np.random.default_rng(seed)) for severity in (0.0, 0.5, 1.0, 1.0)
        )
        hold(np.array_equal(X, before), f"the drift {name!r} changes the windows it is given")
        good = worst.shape == X.shape and worst.dtype == np.float32
        hold(good, f"the drift {name!r} makes {worst.dtype} {worst.shape} of float32 {X.shape}")
        hold(np.isfinite(worst).all(), f"the drift {name!r} gives values that are no numbers")
        hold(np.allclose(none, X, atol=1e-5), f"the drift {name!r} changes windows at severity 0")
        hold(np.array_equal(worst, again), f"the drift {name!r} differs with the same generator")
        small, large = (float(np.abs(made - X).mean()) for made in (half, worst))
        hold(0 < small < large, f"the drift {name!r} does not grow with its severity")


def check_federation(subject: Subject) -> None:
    """How its groups learn together is a plan of a federation."""
    from edgekit.federate.plan import Plan

    try:
        Plan.of(subject.case.FEDERATE)
    except (EdgekitError, TypeError, ValueError) as error:
        hold(False, f"FEDERATE is no plan: {error}")


def check_networks(subject: Subject) -> None:
    """Teacher and student can be built, and end in one logit a class. Loads TensorFlow."""
    case, classes = subject.case, len(subject.case.CLASSES)
    for name, step in (("teacher", case.teacher_input), ("student", case.features)):
        try:
            model = getattr(case, name)(step.shape, classes, case.WIDTHS[name], 0)
        except ModuleNotFoundError as error:
            raise NotChecked(f"{error}; {remedy('train')}") from None
        out = tuple(model.output_shape)
        hold(out == (None, classes), f"{name} ends in {out}, not in (None, {classes})")
        activation = getattr(getattr(model.layers[-1], "activation", None), "__name__", "linear")
        hold(activation == "linear", f"{name} ends in {activation}, not in logits")


CONTRACT: dict[str, Callable[[Subject], None]] = {
    "the budget": check_budget,
    "recordings": check_recordings,
    "windows": check_windows,
    "splits": check_split,
    "inputs of the networks": check_inputs,
    "their C": check_c,
    "augmentation": check_augment,
    "drifts": check_drifts,
    "federation": check_federation,
    "networks": check_networks,
}


def check(name: str, root: Path) -> Iterator[Outcome]:
    """Outcomes of all checks of a use case, one after the other; of its file alone, where that is wrong.

    Raises EdgekitError for a use case that does not exist.
    """
    case, lines = usecases.examine(name, root)
    for line in lines:
        yield Outcome("usecase.py", line.lstrip(":, "))
    if case is None or lines:
        return
    yield Outcome("usecase.py")
    subject = Subject(case)
    for what, run in CONTRACT.items():
        yield _outcome(what, run, subject)


def _outcome(what: str, run: Callable[[Subject], None], subject: Subject) -> Outcome:
    try:
        run(subject)
    except NotChecked as error:
        return Outcome(what, skipped=str(error))
    except EdgekitError as error:
        return Outcome(what, wrong=str(error))
    except Exception as error:  # a user's code raises whatever it does; in one line, too
        return Outcome(what, wrong=str(EdgekitError(f"{type(error).__name__}: {error}")))
    return Outcome(what)
