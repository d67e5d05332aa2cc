"""One trial: train a candidate, quantize it, score it on groups new to it, count it in the emulator.

A validation part of two or three recordings cannot tell forty candidates apart, so every trial is trained
once for each fold of the training and validation parts and scored on all their groups. All trials are given
the same variations (common random numbers: what they differ in is themselves), which are drawn once. The test
part of the split is never read here.
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property, wraps
from pathlib import Path

import numpy as np

from edgekit import emulate, export, learn, usecases
from edgekit.agent import device_cost
from edgekit.core.atomic import atomic_write
from edgekit.core.errors import EdgekitError
from edgekit.core.figures import Figure, measured
from edgekit.data.windows import concat
from edgekit.design import LINES, Budget
from edgekit.design import load as load_design
from edgekit.design.gate import Verdict, Verdicts, gate
from edgekit.pipeline.manifest import read_manifest
from edgekit.pipeline.run import Run
from edgekit.search import cost, space
from edgekit.search.config import SearchConfig, run_of

# A trial's figure -> the line of the budget that it is the least of.
LINE_OF = {"accuracy": "accuracy_floor", "flash": "flash_bytes", "ram": "ram_bytes"}


class Context:
    """The data, the use case and the teacher of a search, loaded once in each process."""

    def __init__(self, config: SearchConfig):
        self.config = config
        self.case = usecases.load(config.use_case, Path(config.root))
        folder = usecases.folder(config.use_case, Path(config.root))
        self.design = load_design(folder / "design.toml")
        self.cpu = emulate.core_for(self.design.board)
        self.windows = self.run.load("field.npz")
        self.split = self.run.load("split.json")
        self.train, self.val = (self.windows[getattr(self.split, p)] for p in ("train", "val"))
        self.cache = learn.AugmentationCache(config.folder / "augmented")
        self.preprocessors = space.variants(self.case)
        shape = self.preprocessors["features"].shape
        self.known = space.choices(self.case, shape, teacher=self.has_teacher)

    @property
    def run(self) -> Run:
        return run_of(self.config)

    @property
    def has_teacher(self) -> bool:
        """Whether this run has trained the teacher of chapter 03."""
        steps = read_manifest(Path(self.config.directory)).get("steps", {})
        return "teacher.h5" in steps.get("03_train", {}).get("outputs", {})

    @cached_property
    def distil(self):
        """The teacher's soft targets. Raises EdgekitError if it is not what chapter 03 sealed."""
        teacher = learn.models.load(self.run.file("teacher.h5"))
        return learn.Distillation(teacher, self.case.teacher_input)

    @cached_property
    def folds(self) -> list:
        """(training, testing) Windows: whole groups of the training and the validation part, assigned anew.

        Three folds, or two where a class has no more groups, or the split of chapter 01 where it has one.
        """
        ours = [*self.split.groups["train"], *self.split.groups["val"]]
        known = self.windows[np.isin(self.windows.group, ours)]  # all: a split may thin what trains
        for k in (3, 2):
            try:
                folds = self.case.folds(known, k, self.config.seed)
            except EdgekitError:
                continue
            return [(known[f.train], known[f.test]) for f in folds]
        return [(self.train, self.val)]

    @cached_property
    def held_out(self):
        """The folds' testing Windows, one after the other: what a candidate's predictions are scored on."""
        return concat([test for _, test in self.folds])

    def teacher_of(self, fold: int):
        """Soft targets of a teacher that was not trained on the groups that this fold tests."""
        from edgekit.learn import legacy

        path = self.config.folder / "teachers" / f"{fold}.h5"
        if not path.is_file():
            train, seed = self.folds[fold][0], self.config.seed
            shape = self.case.teacher_input(train.X[:1]).shape[1:]
            width, how = self.case.WIDTHS["teacher"], self.case.FIT[self.config.profile]["teacher"]
            teacher = self.case.teacher(shape, len(train.classes), width, seed)
            augment = self.case.augment
            learn.fit(teacher, train, self.case.teacher_input, seed=seed, augment=augment, **how)
            with atomic_write(path) as partial:  # another worker may have trained the same one
                legacy.save(teacher, partial)
        return learn.Distillation(learn.models.load(path), self.case.teacher_input)

    @cached_property
    def feature_costs(self) -> dict[str, cost.FeatureCost]:
        """What each feature step costs on the core, by name: counted once for each search."""
        path = self.config.folder / "features.json"
        kept = json.loads(path.read_text("utf-8")) if path.is_file() else {}
        found = {}
        for name, preprocess in self.preprocessors.items():
            key = f"{self.cpu} {preprocess!r}"
            if key not in kept:
                kept[key] = self._feature_cost(name)
            found[name] = cost.FeatureCost(**kept[key])
        if not path.is_file() or json.loads(path.read_text("utf-8")) != kept:
            with atomic_write(path) as partial:
                partial.write_text(json.dumps(kept, indent=1), encoding="utf-8")
        return found

    def _feature_cost(self, name: str) -> dict:
        """Of one feature step: with the least network that can follow it, less that network."""
        candidate = {"network": "layers", "widths": [], "hidden": 0, "dropout": 0.0}
        preprocess = self.preprocessors[name]
        model = space.build(candidate, self.case, preprocess.shape, len(self.windows.classes), 0)
        tflite = learn.quantize(model, preprocess(self.train.X[:20]))
        source = export.generate(export.read(tflite), name=self.config.use_case)
        app = emulate.build(
            source, self.cpu, features=preprocess, sensitivity=self.case.SENSITIVITY
        )
        p = emulate.profile(app, self.train.X[:1])
        parts = {
            "instructions": p.feature_instructions,
            "flash": p.feature_flash,
            "ram": p.feature_ram,
        }
        return {k: f.value for k, f in parts.items() if f is not None}  # it has features: none is

    @cached_property
    def start(self) -> cost.Cost:
        """The analytic cost of the hand-made student."""
        return self.estimate(space.HAND_MADE)

    def estimate(self, candidate: dict) -> cost.Cost:
        """The analytic cost of a candidate, the exact cost of its features included."""
        shape, classes = self.preprocessors[candidate["features"]].shape, len(self.windows.classes)
        if candidate["network"] == "student":
            layers = space.layers_of(space.build(candidate, self.case, shape, classes, 0))
        else:
            layers = space.layers(candidate, shape, classes)
        return cost.estimate(layers, self.feature_costs[candidate["features"]], self.cpu)


def _once(build: Callable[[SearchConfig], Context]) -> Callable[[SearchConfig], Context]:
    """`build(config)`, one time for each in a process; a second thread waits for the first."""
    built: dict[SearchConfig, Context] = {}
    lock = threading.RLock()

    @wraps(build)
    def once(config):
        with lock:
            if config not in built:
                built[config] = build(config)
            return built[config]

    return once


@_once
def context(config: SearchConfig) -> Context:
    """The Context of this process."""
    return Context(config)


@_once
def worker_context(config: SearchConfig) -> Context:
    """The Context of a process that trains: TensorFlow is loaded, with one thread.

    With more, two workers on two cores would get into each other's way; networks this small gain nothing.
    """
    from edgekit.learn import legacy

    try:
        legacy.tf.config.threading.set_intra_op_parallelism_threads(1)
        legacy.tf.config.threading.set_inter_op_parallelism_threads(1)
    except RuntimeError:
        pass  # it has been at work in this process already
    return context(config)


@dataclass(frozen=True)
class TrialResult:
    """What became of a candidate: figures by name, predicted classes (n,), its `.tflite`, seconds."""

    candidate: dict
    figures: dict[str, Figure]
    predicted: np.ndarray
    tflite: bytes
    seconds: float
    runtime: str = ""  # which computed the predictions

    def value(self, name: str) -> float:
        return self.figures[name].value


def evaluate(
    candidate: dict, seed: int, config: SearchConfig, profile: str = "", fold: int | None = None
) -> TrialResult:
    """Train a candidate as long as `profile` (the run's) says, and score it.

    It is trained on the training part and scored on the validation part, or on those of a `fold`. Its
    figures: `accuracy` (balanced, int8 by TFLM) and, without a `fold`, those of `device_figures`.
    """
    c, clock = worker_context(config), time.perf_counter()
    profile = profile or config.profile
    preprocess, how = c.preprocessors[candidate["features"]], c.case.FIT[profile]["student"]
    train, held_out = (c.train, c.val) if fold is None else c.folds[fold]
    distillation = None
    if candidate["distil"]:
        distillation = c.distil if fold is None else c.teacher_of(fold)
    wanted = {"distil": candidate["distil"], "qat": candidate["quantize"] == "qat"}
    finished = learn.compress(
        tuple(step for step, on in wanted.items() if on),
        train,
        preprocess,
        seed=seed,
        augment=c.case.augment,
        build=lambda shape, classes: space.build(candidate, c.case, shape, classes, seed),
        distil=distillation,
        cache=c.cache,
        finish=2 if profile == "quick" else 4,
        **how | {"rate": how["rate"] * candidate["rate"]},
    )
    tflite = learn.strip_metadata(finished.tflite)
    outputs, runtime = learn.predict(tflite, preprocess(held_out.X))
    predicted = outputs.argmax(axis=1)
    right = learn.balanced_accuracy(held_out.y, predicted)
    figures = {"accuracy": measured(right, "", f"int8 by {runtime}, {len(held_out)} windows")}
    if fold is None:
        figures |= device_figures(tflite, candidate["features"], c)
    seconds = time.perf_counter() - clock
    return TrialResult(candidate, figures, predicted, tflite, seconds, runtime)


def combine_folds(candidate: dict, runs: list[TrialResult], c: Context) -> TrialResult:
    """The runs of all folds as one: all their predictions, one accuracy; the file is the first one's."""
    predicted = np.concatenate([r.predicted for r in runs])
    held_out, first = c.held_out, runs[0]
    right = learn.balanced_accuracy(held_out.y, predicted)
    windows = f"{len(held_out)} windows of {len(set(held_out.group))} groups, {len(runs)} folds"
    figures = {"accuracy": measured(right, "", f"int8 by {first.runtime}, {windows}")}
    seconds = sum(r.seconds for r in runs)
    return TrialResult(candidate, figures, predicted, first.tflite, seconds, first.runtime)


def evaluate_trial(candidate: dict, config: SearchConfig) -> TrialResult:
    """A trial: trained and scored in every fold, all of one seed, and counted by `device_figures`."""
    c, seed = worker_context(config), seed_of(config.seed, 0, 1)
    runs = [evaluate(candidate, seed, config, "", fold) for fold in range(len(c.folds))]
    combined = combine_folds(candidate, runs, c)
    on_device = device_figures(combined.tflite, candidate["features"], c)
    return replace(combined, figures=combined.figures | on_device)


def device_figures(tflite: bytes, features: str, c: Context) -> dict[str, Figure]:
    """What the program that would ship takes on the emulated core: `instructions`, `network` (its part of
    them), `flash` and `ram` of the application, and the lines of the budget: `flash_bytes`, `ram_bytes`,
    `latency_ms`, `model_bytes`."""
    board, x = c.design.board, c.train.X[:1]
    preprocess = c.preprocessors[features]
    f = device_cost(tflite, preprocess, c.case.SENSITIVITY, board, x, **c.design.updates)
    names = {"network": "network_instructions", "flash": "app_flash_bytes", "ram": "app_ram_bytes"}
    found = {name: f[key] for name, key in names.items()}
    return {"instructions": f["instructions"], **found} | {k: f[k] for k in f if k in LINES}


def judged(figures: dict[str, Figure], budget: Budget) -> Verdicts:
    """A trial's figures, by `design.gate`.

    Where only the application was counted, that is the least that the program with its update agent will
    take: a line that it misses is missed for certain.
    """
    known = {key: figures[name] for name, key in LINE_OF.items() if name in figures}
    known |= {key: figure for key, figure in figures.items() if key in LINES}
    return gate(budget, known)


def excess(figures: dict[str, Figure], budget: Budget) -> dict[str, float]:
    """By how much of its limit each line of the budget is exceeded, of a fraction or a range by how
    much; zero or less where it is kept. What could not be judged counts as missed by the whole of it."""

    def of(v: Verdict) -> float:
        if v.state == "not judged":
            return 1.0
        if LINES[v.key].fraction or isinstance(v.limit, tuple):
            return -v.margin
        return -v.margin / (v.limit or 1)

    return {v.key: of(v) for v in judged(figures, budget)}


def seed_of(study: int, *index: int) -> int:
    """The seed of trial number `index` of the study with this seed: 31 bits, unrelated to its neighbours'."""
    return int(np.random.SeedSequence([study, *index]).generate_state(1)[0] >> 1)
