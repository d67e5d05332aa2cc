"""The architecture search, a use case at a time, each in a run of its own under `runs/benchmark-search/`.

The search sees training and validation parts only; the test part is read when all is chosen, for the found
student and the hand-made one, over the seeds that both were trained with. Where it holds fewer than FEW
groups, two people say, the whole search is done for SPLITS splits of groups, and their mean counts. The first
use case also shows how two workers compare with one on the same candidates, and whether one worker finds the
same twice.
"""

from __future__ import annotations

import shutil
import time
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd

from benchmarks.bars import Bars
from edgekit.core.figures import Figure
from edgekit.core.workspace import Workspace
from edgekit.pipeline import execute
from edgekit.search import cluster, cost, executor, finalists, objective, search_config, space
from edgekit.search.config import SearchConfig
from edgekit.search.study import prepare_space, search_executor

TRIALS, WORKERS, SAME = 40, 2, 20
FEW, SPLITS = 3, 3


def bars(bars: Bars, names) -> None:
    """What a search costs and what it finds; the machinery once, with the first use case."""
    for n, name in enumerate(names):
        config = prepared(name)
        if n == 0:
            scaling(bars, config)
            repeated(bars, config)
            ordered(bars, config)
        searched(bars, name, config)


def prepared(name: str, seed: int = 0) -> SearchConfig:
    """A run at quick through chapter 03, without a search in it; another `seed` splits the groups anew."""
    folder = f"{name}-{seed}" if seed else name
    directory = Workspace.find().runs / "benchmark-search" / folder
    execute.execute(name, seed=seed, run_dir=directory, through="train")
    shutil.rmtree(directory / "search", ignore_errors=True)
    return search_config(name, seed=seed, run_dir=str(directory))


def searched(bars: Bars, name: str, config: SearchConfig) -> None:
    """Forty trials and the finalists, timed; the found student against the hand-made one."""
    few = len(objective.context(config).split.groups["test"]) < FEW
    others = (prepared(name, seed) for seed in range(1, SPLITS if few else 1))
    records = [timed(t) for t in (config, *others)]
    minutes, trials = max((d["minutes"], d["trials_minutes"]) for d in records)
    bars.add(
        f"{name}: {TRIALS} trials, {WORKERS} workers, finalists",
        "≤ 20 min",
        f"{minutes:.1f} min ({trials:.1f} until the last trial)",
        minutes <= 20,
    )
    fewer = min(100 * d["fewer_instructions"] for d in records)
    what = f"{name}: fewer instructions than hand-made"
    bars.add(what, "≥ 25 %", f"{fewer:.0f} % ({counts(records)})", fewer >= 25)
    before, after = (
        float(np.mean([d[who]["test_mean"] for d in records])) for who in ("hand_made", "found")
    )
    what = f"{name}: int8 accuracy on test groups, hand-made → found"
    shown = (
        f"{before:.4f} → {after:.4f}, mean of {trained(records)}; by {differences(records)} points"
    )
    bars.add(what, "not lower", shown, after >= before - 1e-9)


def counts(records: list[dict]) -> str:
    """Instructions of the hand-made and of the found application, a split after the other."""
    pairs = [
        [Figure.from_dict(d[who]["figures"]["instructions"]) for who in ("hand_made", "found")]
        for d in records
    ]
    shown = ", ".join(f"{a.value:,.0f} → {b.value:,.0f}" for a, b in pairs)
    return f"{shown}, {pairs[0][0].provenance}"


def trained(records: list[dict]) -> str:
    """How many seeds a mean is of, and how many splits where there are several."""
    seeds = f"{records[0]['found']['seeds']} seeds"
    return f"{seeds} and {len(records)} splits" if len(records) > 1 else seeds


def differences(records: list[dict]) -> str:
    """What the test groups of each split can tell: bounds of the paired difference, in points."""
    both = (d["test_paired_difference"] for d in records)
    return ", ".join(f"{100 * b['low']:+.1f} to {100 * b['high']:+.1f}" for b in both)


def timed(config: SearchConfig) -> dict:
    """The record of a search, and the minutes that it took in all and until the last trial was done."""
    began = time.monotonic()
    found = finalists.search(
        config, TRIALS, WORKERS, say=lambda text: print(f"  {text}", flush=True)
    )
    minutes = (time.monotonic() - began) / 60
    return found.record | {"minutes": minutes, "trials_minutes": found.trial_seconds / 60}


def scaling(bars: Bars, config: SearchConfig) -> None:
    """The same trials through one Dask worker and through two, both ready, nothing drawn yet."""
    known = objective.context(config).known
    tasks = {n: (candidate, config) for n, candidate in enumerate(drawn(known, SAME))}
    seconds, files = {}, {}
    for workers in (1, 2):
        with search_executor(config, workers, "") if workers > 1 else one_dask_worker() as executor:
            for _ in executor.map(prepare_space, {n: (config,) for n in range(workers)}):
                pass
            shutil.rmtree(config.folder / "augmented", ignore_errors=True)
            began = time.monotonic()
            results = dict(executor.map(objective.evaluate_trial, tasks))
            seconds[workers] = time.monotonic() - began
            files[workers] = [getattr(results[n], "tflite", None) for n in tasks]
    ratio = seconds[1] / seconds[2]
    shown = f"{ratio:.2f} ({seconds[1]:.0f} s, {seconds[2]:.0f} s for {SAME} candidates)"
    bars.add("2 workers against 1, trials a minute", "≥ 1.7", shown, ratio >= 1.7)
    same = sum(a == b for a, b in zip(files[1], files[2], strict=True))
    bars.add(
        "candidates that are byte for byte the same on both", f"{SAME}", f"{same}", same == SAME
    )


@contextmanager
def one_dask_worker():
    """As `search_executor`, but one worker is a process too, so that both ways pay for the journey."""
    with cluster.client_of(1) as client:
        yield executor.Executor(client)


def repeated(bars: Bars, config: SearchConfig) -> None:
    """Two searches of six trials with one seed on one worker."""
    tables = []
    for n in range(2):
        folder = Path(config.directory).with_name(f"{config.use_case}-again-{n}")
        shutil.rmtree(folder, ignore_errors=True)
        shutil.copytree(config.directory, folder, ignore=shutil.ignore_patterns("search"))
        here = replace(config, directory=str(folder))
        finalists.search(here, 6, workers=1, finals=False, say=lambda _: None)
        table = pd.read_csv(folder / "artefacts" / "search.csv").drop(columns="seconds")
        tables.append((table.to_csv(), (folder / "artefacts" / "found.tflite").read_bytes()))
        shutil.rmtree(folder)
    same = tables[0] == tables[1]
    bars.add("same seed, one worker: trials, figures, found file", "equal", str(same), same)


def ordered(bars: Bars, config: SearchConfig) -> None:
    """The analytic cost model against the emulator: networks of the space, untrained."""
    from scipy.stats import spearmanr

    from edgekit import emulate, export, learn

    expected, counted = [], []
    for n in range(24):
        shape = ((1, 40, 1), (1, 80, 6), (24, 24, 1))[n % 3]
        known = {"features": ["features"], **(space.PICTURE if shape[0] > 1 else space.SIGNAL)}
        (candidate,) = drawn(known | {"network": ["layers"]}, 1, seed=1000 + n)
        model = space.build(candidate, None, shape, 3, seed=n)
        x = np.random.default_rng(n).normal(size=(8, *shape)).astype(np.float32)
        source = export.generate(export.read(learn.quantize(model, x)))
        p = emulate.profile(emulate.build(source, cpu="cortex-m33"), np.zeros((1, *shape), np.int8))
        expected.append(cost.estimate(space.layers(candidate, shape, 3)).instructions)
        counted.append(p.instructions.value)
    rank = float(spearmanr(expected, counted).statistic)
    ratio = np.array(expected) / counted
    shown = f"{rank:.3f} ({100 * (ratio.min() - 1):+.0f} to {100 * (ratio.max() - 1):+.0f} %)"
    bars.add("cost model: rank correlation with emulated instructions", "≥ 0.9", shown, rank >= 0.9)


def drawn(known: dict, count: int, seed: int = 0) -> list[dict]:
    """Candidates at random, as a study without a history draws them."""
    import optuna

    optuna.logging.set_verbosity(optuna.logging.ERROR)
    study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=seed))
    return [space.suggest(study.ask(), known) for _ in range(count)]
