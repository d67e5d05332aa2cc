"""From the trials to one model: finalists that are trained in earnest, a choice, three files."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from edgekit import learn
from edgekit.core.atomic import whole
from edgekit.core.errors import EdgekitError
from edgekit.core.figures import Figure, measured
from edgekit.core.lock import LockedError, locked
from edgekit.pipeline.run import Run
from edgekit.search import objective
from edgekit.search.choice import Final, choose, front, lead, shortlist
from edgekit.search.objective import Judged, Terms
from edgekit.search.result import MADE_OF, made_of
from edgekit.search.space import HAND_MADE
from edgekit.search.study import Row, answers_of, crew_of, described, explore

SEEDS = 3  # of each finalist, on the split of chapter 01 and in all folds
FINALISTS = 6  # in a round
ROUNDS = 2  # until one passes
SURE = 0.95  # between the bounds that are told
FIGURES = ("accuracy", "instructions", "network", "flash", "ram", "latency_ms")
ESTIMATES = ("macs", "weight_bytes", "flash", "ram", "instructions")


@dataclass(frozen=True)
class Found:
    """The result of a search: every trial, the front, the choice beside the hand-made student."""

    rows: list[Row]
    front: list[Row]
    finals: list[Final]
    chosen: Final
    reference: Final
    facts: dict
    directory: Path


def search(
    terms: Terms, trials: int, workers: int = 2, scheduler: str = "", finals: bool = True,
    say: Callable[[str], None] = print,
) -> Found:  # fmt: skip
    """Search, train the finalists, choose; writes search.csv, found.json and found.tflite to the artefacts.

    Without `finals` only the first of the short list is trained again, briefly and with one seed.
    A search that was killed goes on where it was. Raises EdgekitError if the run has no data yet, if another
    process searches in it, or if it holds a search of other terms.
    """
    objective.check_run(terms)
    terms.folder.mkdir(parents=True, exist_ok=True)
    try:
        with (
            locked(terms.folder / ".lock", wait=False),
            crew_of(terms, workers, scheduler, say) as crew,
        ):
            rows = explore(terms, trials, crew, say)
            _table(terms, rows)
            if not any(r.state == "complete" for r in rows):
                raise EdgekitError(
                    f"no trial was completed; search.csv says why: {rows[-1].reason}"
                )
            reference, trained = _finals(terms, rows, crew, say, finals)
    except LockedError:
        raise EdgekitError(f"another search is at work in {terms.directory}; wait for it") from None
    c = objective.context(terms)
    chosen = choose(trained, c.design.budget, reference, c.held)
    if chosen is reference:
        chosen = choose(trained, c.design.budget, reference, c.held, alike=True)
    shutil.rmtree(terms.folder / "drawn", ignore_errors=True)
    return _write(terms, rows, trained, chosen, reference)


def _finals(terms, rows, crew, say, earnest: bool) -> tuple[Final, list[Final]]:
    """The hand-made student and the finalists, trained in earnest, round after round until one passes.

    As the run's profile trains or as the full one does, whichever the hand-made student likes better: what
    was chosen for many windows need not suit a few.
    """
    c = objective.context(terms)
    seeds, most, rounds = (SEEDS, FINALISTS, ROUNDS) if earnest else (1, 1, 1)
    folds = range(len(c.folds))
    places = [(s, fold) for fold in (None, *folds) for s in range(seeds)]

    def train(candidates, profile):
        kept = _Kept(terms.folder / "finals", profile)
        tasks = {}
        for made in candidates:
            for s, fold in places:
                if kept.load(made, s, fold) is None:
                    seed = objective.seed_of(terms.seed, s, 2)
                    tasks[json.dumps(made), s, fold] = (made, seed, terms, profile, fold)
        failed = set()
        for (text, s, fold), result in crew.map(objective.judge, tasks):
            if isinstance(result, Exception):  # perhaps with this seed its sums overflow
                failed.add(text)
                say(f"finalist {described(json.loads(text))}: {type(result).__name__}: {result}")
                continue
            kept.save(json.loads(text), s, fold, result)
            where = "split " if fold is None else f"fold {fold}"
            say(
                f"finalist  {profile}  {where}  seed {s}  {result.value('accuracy'):.3f}  "
                f"{result.seconds:5.1f} s  {described(result.made)}"
            )
        return [
            Final(
                made,
                tuple(kept.load(made, s, None) for s in range(seeds)),
                tuple(
                    objective.folded(made, [kept.load(made, s, fold) for fold in folds], c)
                    for s in range(seeds)
                ),
            )
            for made in candidates
            if json.dumps(made) not in failed
        ]

    done = [r.number for r in rows if r.state == "complete"]
    said = {n: np.load(answers_of(terms, n), allow_pickle=False) for n in done}
    waiting = [r.made for r in shortlist(rows, said, c.held)]
    ways = dict.fromkeys([terms.profile, "full"] if earnest else [terms.profile])
    references = {way: made[0] for way in ways if (made := train([HAND_MADE], way))}
    if not references:
        raise EdgekitError("the hand-made student itself cannot be made: see the line above")
    way = max(references, key=lambda way: references[way].accuracy)
    reference, trained = references[way], []
    for _ in range(rounds):
        trained, waiting = trained + train(waiting[:most], way), waiting[most:]
        if choose(trained, c.design.budget, reference, c.held) is not reference:
            break
    return reference, trained


class _Kept:
    """Finalists in files, so that a killed search need not train them again."""

    def __init__(self, folder: Path, profile: str):
        self.folder, self.profile = folder, profile

    def _path(self, made: dict, s: int, fold: int | None) -> Path:
        text = json.dumps([made, s, fold, self.profile], sort_keys=True)
        return self.folder / f"{hashlib.sha256(text.encode()).hexdigest()[:16]}.json"

    def load(self, made: dict, s: int, fold: int | None) -> Judged | None:
        path = self._path(made, s, fold)
        if not path.is_file():
            return None
        facts = json.loads(path.read_text(encoding="utf-8"))
        figures = {k: Figure.from_dict(f) for k, f in facts["figures"].items()}
        said, tflite = np.array(facts["said"]), path.with_suffix(".tflite").read_bytes()
        return Judged(made, figures, said, tflite, facts["seconds"])

    def save(self, made: dict, s: int, fold: int | None, result: Judged) -> None:
        path = self._path(made, s, fold)
        self.folder.mkdir(parents=True, exist_ok=True)
        path.with_suffix(".tflite").write_bytes(result.tflite)
        figures = {k: f.to_dict() for k, f in result.figures.items()}
        facts = {"made": made, "figures": figures, "seconds": result.seconds}
        facts["said"] = result.said.tolist()
        with whole(path) as half:
            half.write_text(json.dumps(facts, indent=1), encoding="utf-8")


def _write(terms: Terms, rows, trained, chosen: Final, reference: Final) -> Found:
    c, best, start = objective.context(terms), chosen.best, reference.best
    test = c.windows[c.split.test]  # read now that everything has been chosen

    def answers(final: Final) -> np.ndarray:
        heard = c.hears[final.made["features"]](test.X)
        return np.stack([learn.predict(r.tflite, heard)[0].argmax(axis=1) for r in final.runs])

    def told(final: Final, answers: np.ndarray) -> dict:
        scores = [
            learn.score(test.y, said, test.classes, test.group, seed=terms.seed) for said in answers
        ]
        best = scores[[r is final.best for r in final.runs].index(True)]
        source = f"int8, {best['groups']} test groups"
        shown = measured(best["balanced_accuracy"], "", source, low=best["low"], high=best["high"])
        return {
            "candidate": final.made,
            "seeds": len(final.runs),
            "folds": [r.value("accuracy") for r in final.folds],
            "validation_mean": final.accuracy,
            "test_mean": float(np.mean([s["balanced_accuracy"] for s in scores])),
            "figures": {k: f.to_dict() for k, f in final.best.figures.items()},
            "test": shown.to_dict(),
        }

    ours, theirs = answers(chosen), answers(reference)
    facts = {
        "use_case": terms.use_case,
        "profile": terms.profile,
        "seed": terms.seed,
        "trials": {s: sum(r.state == s for r in rows) for s in ("complete", "pruned", "failed")},
        "front": [r.number for r in front(rows)],
        "data": _run(terms).rests_on,
        "made_of": made_of(Path(terms.directory)),
        "found": told(chosen, ours),
        "hand_made": told(reference, theirs),
        "finalists": [
            {
                "candidate": f.made,
                "validation_mean": f.accuracy,
                "instructions": f.instructions,
                "lead": lead(c.held, f.said, reference.said, SURE),
            }
            for f in trained
        ],
        "lead": lead(c.held, chosen.said, reference.said, SURE),
        "test_lead": lead(test, ours, theirs, SURE),
        "fewer_instructions": 1 - best.value("instructions") / start.value("instructions"),
    }
    run = _run(terms)
    run.save("found.tflite", best.tflite)
    run.save("found.json", facts)
    return Found(rows, front(rows), trained, chosen, reference, facts, Path(terms.directory))


def _run(terms: Terms) -> Run:
    writes = ("search.csv", "found.json", "found.tflite")
    t = terms
    return Run("search", t.use_case, t.profile, t.seed, Path(t.directory), MADE_OF, writes)


def _table(terms: Terms, rows: list[Row]) -> None:
    """search.csv: every trial, the pruned and the failed ones with their reason."""
    import pandas as pd

    best, data = {r.number for r in front(rows)}, _run(terms).rests_on
    lines = []
    for r in rows:
        known = {"trial": r.number, "state": r.state, "reason": r.reason, "front": r.number in best}
        known |= {"within_budget": r.kept and r.state == "complete", "seconds": r.seconds}
        known |= {k: r.figures[k].value if k in r.figures else None for k in FIGURES}
        known |= {f"estimated_{k}": r.estimate.get(k) for k in ESTIMATES}
        provenance = {k: replace(f, data=data).origin for k, f in r.figures.items()}
        known["provenance"] = "; ".join(f"{k} {p}" for k, p in provenance.items())
        lines.append(known | {"candidate": json.dumps(r.made)})
    _run(terms).save("search.csv", pd.DataFrame(lines))
