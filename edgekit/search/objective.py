"""One trial: train a candidate, make it int8, judge it on groups it has not heard, count it in the emulator.

A validation part of two or three recordings cannot tell forty candidates apart, so every trial is trained
once for each fold of the training and validation parts and judged on all their groups. All trials hear the
same variations (common random numbers: what they differ in is themselves), which are drawn once. The test
part of the split is never read here.
"""

from __future__ import annotations

import hashlib
import json
import threading
import time
from dataclasses import dataclass, replace
from functools import cached_property, wraps
from pathlib import Path

import numpy as np

from edgekit import data, emulate, export, learn, usecases
from edgekit.core import workspace
from edgekit.core.atomic import whole
from edgekit.core.errors import EdgekitError
from edgekit.core.figures import Figure, measured
from edgekit.data.windows import concat
from edgekit.design import load as load_design
from edgekit.pipeline.execute import tree_hash
from edgekit.pipeline.manifest import file_hash, read_manifest
from edgekit.pipeline.run import Run, check_choice, check_owner
from edgekit.search import cost, space

FILES = ("field.npz", "split.json", "teacher.h5")  # of the run; the last one if it is there


@dataclass(frozen=True)
class Terms:
    """Everything that a process needs to know to take part in a search; it can be sent to another one.

    `directory` is the run's, `root` the project's: both are paths that every worker must see.
    """

    use_case: str
    profile: str
    seed: int
    directory: str
    root: str
    stamp: str = ""  # a hash of the data, the split, the teacher and the use case's files

    @property
    def folder(self) -> Path:
        """Where the search keeps its own files."""
        return Path(self.directory) / "search"


class Context:
    """The data, the use case and the teacher of a search, loaded once in each process."""

    def __init__(self, terms: Terms):
        self.terms = terms
        self.case = usecases.load(terms.use_case, Path(terms.root))
        folder = usecases.folder(terms.use_case, Path(terms.root))
        self.design = load_design(folder / "design.toml")
        self.cpu = emulate.core_for(self.design.board)
        self.windows = self.run.load("field.npz")
        self.split = data.Split.from_dict(self.run.load("split.json"))
        self.train, self.val = (self.windows[getattr(self.split, p)] for p in ("train", "val"))
        self.shelf = learn.Shelf(terms.folder / "drawn")
        self.hears = space.variants(self.case)
        shape = self.hears["features"].shape
        self.known = space.choices(self.case, shape, teacher=self.taught)

    @property
    def run(self) -> Run:
        t = self.terms
        return Run("search", t.use_case, t.profile, t.seed, Path(t.directory), reads=FILES)

    @property
    def taught(self) -> bool:
        """Whether this run has trained the teacher of chapter 03."""
        steps = read_manifest(Path(self.terms.directory)).get("steps", {})
        return "teacher.h5" in steps.get("03_train", {}).get("outputs", {})

    @cached_property
    def distil(self):
        """What the teacher tells. Raises EdgekitError if it is not what chapter 03 sealed."""
        teacher = learn.models.load(self.run.file("teacher.h5"))
        return learn.Distil(teacher, self.case.waveform)

    @cached_property
    def folds(self) -> list:
        """(training, testing) Windows: whole groups of the training and the validation part, dealt again.

        Three folds, or two where a class has no more groups, or the split of chapter 01 where it has one.
        """
        ours = [*self.split.groups["train"], *self.split.groups["val"]]
        known = self.windows[np.isin(self.windows.group, ours)]  # all: a split may thin what trains
        for k in (3, 2):
            try:
                dealt = self.case.folds(known, k, self.terms.seed)
            except EdgekitError:
                continue
            return [(known[f.train], known[f.test]) for f in dealt]
        return [(self.train, self.val)]

    @cached_property
    def held(self):
        """The folds' testing Windows, one after the other: what a candidate's answers are held against."""
        return concat([test for _, test in self.folds])

    def teacher_of(self, fold: int):
        """What a teacher tells that has not heard the groups that this fold tests."""
        from edgekit.learn import legacy

        path = self.terms.folder / "teachers" / f"{fold}.h5"
        if not path.is_file():
            train, seed = self.folds[fold][0], self.terms.seed
            shape = self.case.waveform(train.X[:1]).shape[1:]
            width, how = self.case.WIDTHS["teacher"], self.case.FIT[self.terms.profile]["teacher"]
            teacher = self.case.teacher(shape, len(train.classes), width, seed)
            augment = self.case.augment
            learn.fit(teacher, train, self.case.waveform, seed=seed, augment=augment, **how)
            with whole(path) as half:  # another worker may have made the same one
                legacy.save(teacher, half)
        return learn.Distil(learn.models.load(path), self.case.waveform)

    @cached_property
    def prices(self) -> dict[str, cost.Price]:
        """What each feature step costs on the core, by name: counted once for each search."""
        path = self.terms.folder / "features.json"
        kept = json.loads(path.read_text()) if path.is_file() else {}
        found = {}
        for name, hear in self.hears.items():
            key = f"{self.cpu} {hear!r}"
            if key not in kept:
                kept[key] = self._price(name)
            found[name] = cost.Price(**kept[key])
        if not path.is_file() or json.loads(path.read_text()) != kept:
            with whole(path) as half:
                half.write_text(json.dumps(kept, indent=1))
        return found

    def _price(self, name: str) -> dict:
        """Of one feature step: with the least network that can follow it, less that network."""
        from edgekit.learn import legacy

        made = {"network": "layers", "widths": [], "hidden": 0, "dropout": 0.0}
        hear = self.hears[name]
        model = space.build(made, self.case, hear.shape, len(self.windows.classes), 0)
        tflite = legacy.convert(model, hear(self.train.X[:20]))
        source = export.generate(export.read(tflite), name=self.terms.use_case)
        app = emulate.application(source, hear, self.case.SENSITIVITY, cpu=self.cpu)
        p = emulate.profile_application(app, self.train.X[:1])
        parts = {"instructions": p.sensing, "flash": p.feature_flash, "ram": p.feature_ram}
        return {k: f.value for k, f in parts.items()}

    @cached_property
    def start(self) -> cost.Cost:
        """The analytic cost of the hand-made student."""
        return self.estimate(space.HAND_MADE)

    def estimate(self, made: dict) -> cost.Cost:
        """The analytic cost of a candidate, its features' exact price included."""
        shape, classes = self.hears[made["features"]].shape, len(self.windows.classes)
        if made["network"] == "student":
            layers = space.layers_of(space.build(made, self.case, shape, classes, 0))
        else:
            layers = space.layers(made, shape, classes)
        return cost.estimate(layers, self.prices[made["features"]], self.cpu)


def _once(make):
    """`make(terms)`, one time for each in a process; a second thread waits for the first."""
    made, lock = {}, threading.RLock()

    @wraps(make)
    def one(terms):
        with lock:
            if terms not in made:
                made[terms] = make(terms)
            return made[terms]

    return one


@_once
def context(terms: Terms) -> Context:
    """The Context of this process."""
    return Context(terms)


@_once
def warm(terms: Terms) -> Context:
    """The Context of a process that trains: TensorFlow is loaded, with one thread.

    With more, two workers on two cores would get into each other's way; networks this small gain nothing.
    """
    from edgekit.learn import legacy

    try:
        legacy.tf.config.threading.set_intra_op_parallelism_threads(1)
        legacy.tf.config.threading.set_inter_op_parallelism_threads(1)
    except RuntimeError:
        pass  # it has been at work in this process already
    return context(terms)


@dataclass(frozen=True)
class Judged:
    """What became of a candidate: its figures by name, its answers (n,), its slim `.tflite`, seconds."""

    made: dict
    figures: dict[str, Figure]
    said: np.ndarray
    tflite: bytes
    seconds: float

    def value(self, name: str) -> float:
        return self.figures[name].value


def judge(
    made: dict, seed: int, terms: Terms, profile: str = "", fold: int | None = None
) -> Judged:
    """Train a candidate as long as `profile` (the run's) says, and let it answer.

    It hears the training part and answers to the validation part, or those of a `fold` of the Context. Its
    figures: `accuracy` (balanced, int8 by TFLM) and, without a `fold`, those of `counted`.
    """
    c, clock = warm(terms), time.perf_counter()
    profile = profile or terms.profile
    hear, how = c.hears[made["features"]], c.case.FIT[profile]["student"]
    train, held = (c.train, c.val) if fold is None else c.folds[fold]
    told = None
    if made["distil"]:
        told = c.distil if fold is None else c.teacher_of(fold)
    wanted = {"distil": made["distil"], "qat": made["quantize"] == "qat"}
    finished = learn.make(
        tuple(step for step, on in wanted.items() if on),
        train,
        hear,
        seed=seed,
        augment=c.case.augment,
        build=lambda shape, classes: space.build(made, c.case, shape, classes, seed),
        distil=told,
        shelf=c.shelf,
        finish=2 if profile == "quick" else 4,
        **how | {"rate": how["rate"] * made["rate"]},
    )
    tflite = learn.slim(finished.tflite)
    answers, runtime = learn.predict(tflite, hear(held.X))
    said = answers.argmax(axis=1)
    right = learn.score(held.y, said, held.classes, draws=1)["balanced_accuracy"]
    figures = {"accuracy": measured(right, "", f"int8 by {runtime}, {len(held)} windows")}
    if fold is None:
        figures |= counted(tflite, made["features"], c)
    return Judged(made, figures, said, tflite, time.perf_counter() - clock)


def folded(made: dict, runs: list[Judged], c: Context) -> Judged:
    """The runs of all folds as one: all their answers, one accuracy; the file is the first one's."""
    said = np.concatenate([r.said for r in runs])
    held, source = c.held, runs[0].figures["accuracy"].source.split(",")[0]
    right = learn.score(held.y, said, held.classes, draws=1)["balanced_accuracy"]
    source += f", {len(held)} windows of {len(set(held.group))} groups, {len(runs)} folds"
    figures = {"accuracy": measured(right, "", source)}
    return Judged(made, figures, said, runs[0].tflite, sum(r.seconds for r in runs))


def tried(made: dict, terms: Terms) -> Judged:
    """A trial: trained and judged in every fold, all of one seed, and counted by `counted`."""
    c, seed = warm(terms), seed_of(terms.seed, 0, 1)
    runs = [judge(made, seed, terms, "", fold) for fold in range(len(c.folds))]
    whole = folded(made, runs, c)
    return replace(whole, figures=whole.figures | counted(whole.tflite, made["features"], c))


def counted(tflite: bytes, features: str, c: Context) -> dict[str, Figure]:
    """What the whole application takes on the emulated core: `instructions`, `network` (its part of them),
    `flash`, `ram` and `latency_ms`."""
    board, x = c.design.board, c.train.X[:1]
    f = emulate.price(tflite, c.hears[features], c.case.SENSITIVITY, board, x)
    names = {"network": "network_instructions", "flash": "flash_bytes", "ram": "ram_bytes"}
    found = {name: f[key] for name, key in names.items()}
    return {"instructions": f["instructions"], **found, "latency_ms": f["latency_ms"]}


def excess(figures: dict[str, Figure], budget) -> dict[str, float]:
    """By how much of itself each line of the budget is exceeded; zero or less where it is kept."""
    lines = {
        "flash": budget.flash_bytes, "ram": budget.ram_bytes, "latency_ms": budget.latency_ms
    }  # fmt: skip
    found = {k: figures[k].value / most - 1 for k, most in lines.items() if most}
    if budget.accuracy_floor:
        found["accuracy"] = budget.accuracy_floor - figures["accuracy"].value
    return found


def seed_of(study: int, *place: int) -> int:
    """The seed of trial number `place` of the study with this seed: 31 bits, unrelated to its neighbours'."""
    return int(np.random.SeedSequence([study, *place]).generate_state(1)[0] >> 1)


def terms_of(use_case: str, profile: str = "quick", seed: int = 0, run_dir: str = "") -> Terms:
    """The Terms of a run: of `run_dir`, or of the folder where `edgekit run` puts it.

    Raises EdgekitError for an unknown use case, a bad profile or seed, or the run of another use case.
    """
    check_choice(profile, seed)
    usecases.folder(use_case, workspace.root())
    directory = Path(run_dir).expanduser() if run_dir else workspace.run_folder(use_case, profile)
    check_owner(directory, use_case, profile)
    made = [directory / "artefacts" / name for name in FILES]
    parts = [file_hash(path) if path.is_file() else "" for path in made]
    parts.append(tree_hash(usecases.folder(use_case, workspace.root()), ("*",)))
    stamp = hashlib.sha256(" ".join(parts).encode()).hexdigest()[:16]
    return Terms(use_case, profile, seed, str(directory.resolve()), str(workspace.root()), stamp)


def check_run(terms: Terms) -> None:
    """Raises EdgekitError, in one line, if the run has no data to search with."""
    manifest = read_manifest(Path(terms.directory))
    if "01_collect" not in manifest.get("steps", {}):
        command = f"edgekit run {terms.use_case} --through train"
        command += f" --profile {terms.profile}" if terms.profile != "quick" else ""
        command += f" --seed {terms.seed}" if terms.seed else ""
        if Path(terms.directory) != workspace.run_folder(terms.use_case, terms.profile).resolve():
            command += f" --run-dir {terms.directory}"
        raise EdgekitError(f"{terms.directory} holds no data yet: run `{command}` first")
    run = Run("search", terms.use_case, terms.profile, terms.seed, Path(terms.directory), FILES)
    for name in FILES[:2]:
        run.file(name)
