"""Bars of delta-aware fine-tuning: `python -m benchmarks.ota.finetune [activity] [ecg] [people] [bearing]`.

Each deal leaves some groups out for the test and halves the rest: the released model is trained on the first
half, then the second arrives, and the update is trained on both. Three ways: the whole recipe again, which
is the unconstrained retrain; fine-tuning within 10 % of the released file; its biases only, within 2 %.
Nothing is selected. Updates are coded by `packages.delta`, models are the stripped files that devices get,
answers are TFLM's. Points are balanced accuracy's, for ecg those of macro F1, as its own bars have it; both
are printed. Then the first deal's two updates by other means. Without names: activity and bearing, some 12
minutes; ecg needs EDGEKIT_MITBIH and, like people, half an hour more.
"""

from __future__ import annotations

import argparse
import sys
import time
from functools import partial

import numpy as np

from benchmarks.bars import Bars
from edgekit import data, learn, usecases
from edgekit.core.workspace import Workspace
from edgekit.learn.finetuning import finetune
from edgekit.packages import delta
from edgekit.packages.compare_deltas import compare

# use case -> deals, steps of `learn.compress` after the student's training, what it is judged by
CASES = {
    "activity": (5, (), "balanced_accuracy"),
    "ecg": (3, ("qat",), "macro_f1"),
    "people": (3, (), "balanced_accuracy"),
    "bearing": (3, (), "balanced_accuracy"),
}
METRICS = ("balanced_accuracy", "macro_f1")
USUAL = ("activity", "bearing")
WAYS = ("released", "retrained", "all", "biases")


def bars(bars: Bars, names=USUAL) -> None:
    """Every bar, and how many use cases keep both of the first two."""
    good = [name for name in names if one(bars, name)]
    if len(names) > 1:
        shown = f"{len(good)}: {', '.join(good) or '–'}"
        bars.add("use cases that keep 10 % and 0.5 points", "≥ 2", shown, len(good) >= 2)


def one(bars: Bars, name: str) -> bool:
    """A use case: its deals, a line each, then their means."""
    case = usecases.load(name, Workspace.find().folder)
    recordings = [case.prepare(r) for r in case.recordings("field", "full")]
    windows = case.windows(recordings, "full")
    count, steps, metric = CASES[name]
    rows = []
    for number, fold in enumerate(case.folds(windows, count, 0)):
        rows.append(score_fold(case, windows, fold, steps, seed=number))
        print(f"  {name}, deal {number + 1} of {count}: {rows[-1]['text']}", flush=True)
    scores = {
        m: {way: np.array([getattr(r["scores"][way], m) for r in rows]) for way in WAYS}
        for m in METRICS
    }
    share, raw = (
        {way: np.array([r[k][way] for r in rows]) for way in WAYS} for k in ("share", "raw")
    )
    for way in WAYS:
        said = ", ".join(
            f"{m.replace('_', ' ')} {v[way].mean():.4f} (spread {v[way].std():.4f})"
            for m, v in scores.items()
        )
        print(
            f"  {name}: {way:9} {said}, update {share[way].mean():.1%} of the slim file, "
            f"{raw[way].mean():.1%} of the converter's (measured)"
        )
    accuracy = scores[metric]
    most, lost = share["all"].max(), 100 * (accuracy["retrained"] - accuracy["all"])
    shown = f"{most:.1%} ({raw['all'].max():.1%} of the converter's file)"
    bars.add(f"{name}: update, share of the slim file, worst deal", "≤ 10 %", shown, most <= 0.10)
    shown = f"{lost.mean():+.2f} ({', '.join(f'{v:+.1f}' for v in lost)})"
    what = f"{name}: points behind the unconstrained retrain, {count} deals"
    bars.add(what, "≤ 0.5", shown, lost.mean() <= 0.5)
    few = share["biases"].max()
    won = 100 * (accuracy["biases"] - accuracy["released"]).mean()
    shown = f"{few:.1%}; {won:+.2f} points over the released model"
    bars.add(
        f"{name}: biases only, share of the slim file, worst deal", "≤ 2 %", shown, few <= 0.02
    )
    others(bars, name, rows[0]["files"])
    return most <= 0.10 and lost.mean() <= 0.5


def score_fold(case, windows, fold, steps, seed: int) -> dict:
    """One deal: scores on its test groups, shares of the update and files, by way."""
    clock = time.perf_counter()
    both, test = np.sort(np.concatenate([fold.train, fold.val])), windows[fold.test]
    halves = data.by_group(windows[both], test=0.5, val=0, seed=seed)
    assert not set(windows.group[both]) & set(test.group)
    old, both = windows[both][halves.train], windows[both]
    how = {"seed": seed, "augment": case.augment, **case.FIT["full"]["student"]}
    build = partial(case.student, width=case.WIDTHS["student"], seed=seed)
    made = learn.compress(steps, old, case.features, build=build, **how).tflite
    base = learn.strip_metadata(made)
    again = learn.strip_metadata(
        learn.compress(steps, both, case.features, build=build, **how).tflite
    )
    how.pop("rate")  # in steps of the grid, here
    tune = partial(finetune, base, both, case.features, cost=partial(cost, base), **how)
    few = tune(budget=0.02, biases_only=True)
    files = dict(zip(WAYS, (base, again, tune(budget=0.10).tflite, few.tflite), strict=True))
    sizes = {way: cost(base, new) for way, new in files.items()}
    scores = {way: score(case, new, test) for way, new in files.items()}
    text = ", ".join(
        f"{way} {scores[way].balanced_accuracy:.4f}/{scores[way].macro_f1:.4f} ({sizes[way]:,} B)"
        for way in WAYS
    )
    tested = ", ".join(sorted(set(map(str, test.group)))[:4])
    return {
        "scores": scores,
        "files": files,
        "share": {way: size / len(base) for way, size in sizes.items()},
        "raw": {way: size / len(made) for way, size in sizes.items()},
        "text": f"{text}; file {len(base):,} B; tested {tested}…; {time.perf_counter() - clock:.0f} s",
    }


def cost(base: bytes, new: bytes) -> int:
    return len(delta.encode(new, base))


def score(case, model: bytes, windows) -> learn.Score:
    said = learn.predict(model, case.features(windows.X))[0].argmax(axis=1)
    return learn.score(windows.y, said, windows.classes, draws=1)


def others(bars: Bars, name: str, files: dict) -> None:
    """No goal: how the same two updates would travel otherwise."""
    for way in ("retrained", "all"):
        table = compare(files["released"], files[way])
        shown = ", ".join(
            f"{method} {size:,.0f}"
            for method, size in zip(table["method"], table["bytes"], strict=True)
            if size == size
        )
        bars.add(f"{name}, deal 1: bytes of the update, {way}", "–", shown, True)


def main() -> int:
    parser = argparse.ArgumentParser(description="bars of delta-aware fine-tuning")
    parser.add_argument("name", nargs="*", choices=[*CASES, []], help=f"default: {' '.join(USUAL)}")
    table = Bars("finetune")
    bars(table, parser.parse_args().name or USUAL)
    return 0 if table.met else 1


if __name__ == "__main__":
    sys.exit(main())
