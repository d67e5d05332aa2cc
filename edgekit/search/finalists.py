"""From the trials to one model: finalists that are trained in earnest, a choice, three files."""

from __future__ import annotations

import hashlib
import json
import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from edgekit import learn
from edgekit.core.atomic import atomic_write
from edgekit.core.errors import EdgekitError
from edgekit.core.figures import Figure, measured
from edgekit.core.lock import LockedError, locked
from edgekit.pipeline.run import Run
from edgekit.search import objective
from edgekit.search.choice import Finalist, choose, front, paired_difference, shortlist
from edgekit.search.config import SearchConfig, check_run, run_of
from edgekit.search.objective import TrialResult
from edgekit.search.result import SCHEMA, SOURCE_FILES, source_hashes
from edgekit.search.space import HAND_MADE
from edgekit.search.study import explore, search_executor
from edgekit.search.trials import Row, State, count, described, predictions_path

SEEDS = 3  # of each finalist, on the split of chapter 01 and in all folds
FINALISTS = 6  # in a round
ROUNDS = 2  # until one passes
LEVEL = 0.95  # between the bounds that are shown
FIGURES = (
    "accuracy", "instructions", "network", "flash", "ram",
    "flash_bytes", "ram_bytes", "model_bytes", "latency_ms",
)  # fmt: skip
ESTIMATES = ("macs", "weight_bytes", "flash", "ram", "instructions")


@dataclass(frozen=True)
class SearchResult:
    """The result of a search: every trial, the front, the choice beside the hand-made student."""

    rows: list[Row]
    front: list[Row]
    finalists: list[Finalist]
    chosen: Finalist
    reference: Finalist
    record: dict  # what found.json holds
    directory: Path
    trial_seconds: float = 0.0  # until the last trial was done; the rest is the finalists'


def search(
    config: SearchConfig, trials: int, workers: int = 2, scheduler: str = "", finals: bool = True,
    say: Callable[[str], None] = print,
) -> SearchResult:  # fmt: skip
    """Search, train the finalists, choose; writes search.csv, found.json and found.tflite to the artefacts.

    Until `trials` candidates are trained, by `workers` processes of this machine or those of the Dask
    `scheduler`; `say` is given each line. Without `finals` only the first of the short list is trained
    again, briefly and with one seed. A search that was killed goes on where it was. Raises EdgekitError if
    the run has no data yet, if another process searches in it, or if it holds a search with another
    SearchConfig.
    """
    check_run(config)
    began = time.monotonic()
    config.folder.mkdir(parents=True, exist_ok=True)
    try:
        with (
            locked(config.folder / ".lock", wait=False),
            search_executor(config, workers, scheduler, say) as executor,
        ):
            rows = explore(config, trials, executor, say)
            trial_seconds = time.monotonic() - began
            _table(config, rows)
            if not any(r.state == State.COMPLETE for r in rows):
                raise EdgekitError(
                    f"no trial was completed; search.csv says why: {rows[-1].reason}"
                )
            reference, trained = _finalists(config, rows, executor, say, finals)
    except LockedError:
        raise EdgekitError(
            f"another search is at work in {config.directory}; wait for it"
        ) from None
    c = objective.context(config)
    chosen = choose(trained, c.design.budget, reference, c.held_out)
    if chosen is reference:
        chosen = choose(trained, c.design.budget, reference, c.held_out, alike=True)
    shutil.rmtree(config.folder / "augmented", ignore_errors=True)
    return replace(_write(config, rows, trained, chosen, reference), trial_seconds=trial_seconds)


def _finalists(config, rows, executor, say, earnest: bool) -> tuple[Finalist, list[Finalist]]:
    """The hand-made student and the finalists, trained in earnest, round after round until one passes.

    As the run's profile trains or as the full one does, whichever suits the hand-made student better: what
    was chosen for many windows need not suit a few.
    """
    c = objective.context(config)
    seeds, most, rounds = (SEEDS, FINALISTS, ROUNDS) if earnest else (1, 1, 1)
    folds = range(len(c.folds))
    trainings = [(s, fold) for fold in (None, *folds) for s in range(seeds)]

    def train(candidates, profile):
        kept = _Cache(config.folder / "finals", profile)
        tasks = {}
        for candidate in candidates:
            for s, fold in trainings:
                if (candidate, s, fold) not in kept:
                    seed = objective.seed_of(config.seed, s, 2)
                    tasks[json.dumps(candidate), s, fold] = (candidate, seed, config, profile, fold)
        failed = set()
        for (text, s, fold), result in executor.map(objective.evaluate, tasks):
            if isinstance(result, Exception):  # perhaps with this seed its sums overflow
                failed.add(text)
                say(f"finalist {described(json.loads(text))}: {type(result).__name__}: {result}")
                continue
            kept.save(json.loads(text), s, fold, result)
            where = "split " if fold is None else f"fold {fold}"
            say(
                f"finalist  {profile}  {where}  seed {s}  {result.value('accuracy'):.3f}  "
                f"{result.seconds:5.1f} s  {described(result.candidate)}"
            )
        done = [candidate for candidate in candidates if json.dumps(candidate) not in failed]
        return [_finalist(candidate, kept, seeds, c) for candidate in done]

    done = [r.number for r in rows if r.state == State.COMPLETE]
    predicted = {n: np.load(predictions_path(config, n), allow_pickle=False) for n in done}
    waiting = [r.candidate for r in shortlist(rows, predicted, c.held_out)]
    profiles = dict.fromkeys([config.profile, "full"] if earnest else [config.profile])
    references = {p: trained[0] for p in profiles if (trained := train([HAND_MADE], p))}
    if not references:
        raise EdgekitError("the hand-made student itself cannot be trained: see the line above")
    profile = max(references, key=lambda p: references[p].accuracy)
    reference = references[profile]
    finalists: list[Finalist] = []
    for _ in range(rounds):
        finalists, waiting = finalists + train(waiting[:most], profile), waiting[most:]
        if choose(finalists, c.design.budget, reference, c.held_out) is not reference:
            break
    return reference, finalists


def _finalist(candidate: dict, kept: _Cache, seeds: int, c: objective.Context) -> Finalist:
    """A candidate with all of its trainings."""

    def of(s: int) -> TrialResult:
        runs = [kept[candidate, s, fold] for fold in range(len(c.folds))]
        return objective.combine_folds(candidate, runs, c)

    runs = tuple(kept[candidate, s, None] for s in range(seeds))
    return Finalist(candidate, runs, tuple(of(s) for s in range(seeds)))


class _Cache:
    """Finalists in files, so that a killed search need not train them again."""

    def __init__(self, folder: Path, profile: str):
        self.folder, self.profile = folder, profile

    def _path(self, candidate: dict, s: int, fold: int | None) -> Path:
        text = json.dumps([SCHEMA, candidate, s, fold, self.profile], sort_keys=True)
        return self.folder / f"{hashlib.sha256(text.encode()).hexdigest()[:16]}.json"

    def __contains__(self, key: tuple[dict, int, int | None]) -> bool:
        return self._path(*key).is_file()

    def __getitem__(self, key: tuple[dict, int, int | None]) -> TrialResult:
        candidate, path = key[0], self._path(*key)
        kept = json.loads(path.read_text(encoding="utf-8"))
        figures = {k: Figure.from_dict(f) for k, f in kept["figures"].items()}
        predicted, tflite = np.array(kept["predicted"]), path.with_suffix(".tflite").read_bytes()
        return TrialResult(candidate, figures, predicted, tflite, kept["seconds"], kept["runtime"])

    def save(self, candidate: dict, s: int, fold: int | None, result: TrialResult) -> None:
        path = self._path(candidate, s, fold)
        self.folder.mkdir(parents=True, exist_ok=True)
        path.with_suffix(".tflite").write_bytes(result.tflite)
        figures = {k: f.to_dict() for k, f in result.figures.items()}
        kept = {"candidate": candidate, "figures": figures, "seconds": result.seconds}
        kept |= {"predicted": result.predicted.tolist(), "runtime": result.runtime}
        with atomic_write(path) as partial:
            partial.write_text(json.dumps(kept, indent=1), encoding="utf-8")


def _write(
    config: SearchConfig, rows, trained, chosen: Finalist, reference: Finalist
) -> SearchResult:
    c, best, start = objective.context(config), chosen.best, reference.best
    test = c.windows[c.split.test]  # read now that everything has been chosen

    def predict(final: Finalist) -> np.ndarray:
        inputs = c.preprocessors[final.candidate["features"]](test.X)
        return np.stack([learn.predict(r.tflite, inputs)[0].argmax(axis=1) for r in final.runs])

    def summary(final: Finalist, predictions: np.ndarray) -> dict:
        scores = [
            learn.score(test.y, predicted, test.classes, test.group, seed=config.seed)
            for predicted in predictions
        ]
        best = scores[[r is final.best for r in final.runs].index(True)]
        source = f"int8, {best.groups} test groups"
        shown = measured(best.balanced_accuracy, "", source, low=best.low, high=best.high)
        return {
            "candidate": final.candidate,
            "seeds": len(final.runs),
            "folds": [r.value("accuracy") for r in final.folds],
            "validation_mean": final.accuracy,
            "test_mean": float(np.mean([s.balanced_accuracy for s in scores])),
            "figures": {k: f.to_dict() for k, f in final.best.figures.items()},
            "test": shown.to_dict(),
        }

    ours, theirs = predict(chosen), predict(reference)
    record = {
        "schema": SCHEMA,
        "use_case": config.use_case,
        "profile": config.profile,
        "seed": config.seed,
        "trials": {str(s): count(rows, s) for s in State},
        "front": [r.number for r in front(rows)],
        "data": _run(config).combined_origin,
        "source_hashes": source_hashes(Path(config.directory)),
        "found": summary(chosen, ours),
        "hand_made": summary(reference, theirs),
        "finalists": [
            {
                "candidate": f.candidate,
                "validation_mean": f.accuracy,
                "instructions": f.instructions,
                "paired_difference": paired_difference(
                    c.held_out, f.predicted, reference.predicted, LEVEL
                ),
            }
            for f in trained
        ],
        "paired_difference": paired_difference(
            c.held_out, chosen.predicted, reference.predicted, LEVEL
        ),
        "test_paired_difference": paired_difference(test, ours, theirs, LEVEL),
        "fewer_instructions": 1 - best.value("instructions") / start.value("instructions"),
    }
    run = _run(config)
    run.save("found.tflite", best.tflite)
    run.save("found.json", record)
    return SearchResult(
        rows, front(rows), trained, chosen, reference, record, Path(config.directory)
    )


def _run(config: SearchConfig) -> Run:
    return run_of(config, SOURCE_FILES, ("search.csv", "found.json", "found.tflite"))


def _table(config: SearchConfig, rows: list[Row]) -> None:
    """search.csv: every trial, the pruned and the failed ones with their reason."""
    import pandas as pd

    best, data = {r.number for r in front(rows)}, _run(config).combined_origin
    lines = []
    for r in rows:
        known = {"trial": r.number, "state": r.state, "reason": r.reason, "front": r.number in best}
        known |= {"within_budget": r.kept and r.state == State.COMPLETE, "seconds": r.seconds}
        known |= {k: r.figures[k].value if k in r.figures else None for k in FIGURES}
        known |= {f"estimated_{k}": r.estimate.get(k) for k in ESTIMATES}
        provenance = {k: replace(f, data=data).origin for k, f in r.figures.items()}
        known["provenance"] = "; ".join(f"{k} {p}" for k, p in provenance.items())
        lines.append(known | {"candidate": json.dumps(r.candidate)})
    _run(config).save("search.csv", pd.DataFrame(lines))
