"""The search: Optuna proposes, processes try, everything that was learnt stays in the run's directory.

The study lives in `<run>/search/study.db`. Each trial has its own sampler, seeded by the study's seed and
the trial's number: a search that was killed goes on as if nothing had happened, and one worker always finds
the same. Through Dask the database stands behind Optuna's `DaskStorage`, so that one process, the
scheduler's, writes to it.
"""

from __future__ import annotations

import contextlib
import warnings
from collections.abc import Callable
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Literal

import numpy as np

from edgekit.core.errors import EdgekitError
from edgekit.search import objective, prune, space
from edgekit.search.cluster import need
from edgekit.search.config import SearchConfig
from edgekit.search.executor import TRIES, Executor, executor
from edgekit.search.prune import Pruned, PruneReason
from edgekit.search.trials import (
    Attr,
    Constraint,
    Row,
    State,
    count,
    line,
    predictions_path,
    rows_of,
)

NAME = "students"
SCHEMA = 2  # of what the study keeps; another one is not continued
DIRECTIONS: list[Literal["minimize", "maximize"]] = ["maximize", "minimize", "minimize"]
GOALS = ("accuracy", "instructions", "flash")
WORTH = 0.75  # of the hand-made student's instructions: what a search is for
STARTUP = 12  # trials, those of `space.first` included, before the sampler can learn from them
STALE = 3  # after so many repeated candidates in a row the next one is drawn at random
PRUNED = 10  # candidates for each that is trained, before the space counts as exhausted


def search_executor(
    config: SearchConfig, workers: int, scheduler: str, say: Callable[[str], None] = print
):
    """The Executor of a search, in a `with`: each of its processes loads TensorFlow and the data first."""
    return executor(
        workers, scheduler, Path(config.directory), partial(_worker_initializer, config), say
    )


def _worker_initializer(config: SearchConfig):
    from distributed import WorkerPlugin

    class WorkerInitializer(WorkerPlugin):
        """Loads TensorFlow and the data when a worker starts, so that no trial waits for it."""

        name = f"edgekit {config}"

        def setup(self, worker):
            warnings.filterwarnings("ignore", message="DaskStorage is experimental")
            objective.worker_context(config)

    return WorkerInitializer()


def explore(
    config: SearchConfig, trials: int, executor: Executor, say: Callable[[str], None] = print
) -> list[Row]:
    """Go on with the search until `trials` candidates have been trained.

    Candidates pruned before training do not count, nor do those that failed, TRIES times each; but as many
    failures as `trials` end the search too. Returns all rows so far, by number.
    """
    need("optuna", "optuna_integration")
    import optuna

    storage, study = _open(config, executor)
    _resume(study)
    rows = rows_of(study)
    asked, most, before = len(rows), trials * (PRUNED + 1), count(rows, State.FAILED)
    try:
        while True:
            trained, failed = count(rows, State.COMPLETE), count(rows, State.FAILED) - before
            wanted = min(trials - trained, trials - failed)
            while executor.busy < min(wanted, executor.slots) and asked < most:
                executor.submit(one, storage, asked, config, name=asked)
                asked += 1
            if not executor.busy:
                break
            _, result = executor.next_result()
            rows = rows_of(study)
            if isinstance(result, Exception):
                say(f"a worker failed: {type(result).__name__}: {result}")
                before -= 1  # it counts, whether or not there is a trial to count
            for row in rows:
                if row.number == result:
                    say(line(row, f"{count(rows, State.COMPLETE)} of {trials} trained"))
    finally:
        with contextlib.suppress(OSError):  # the cluster may be what was lost
            executor.stop()
    for trial in study.get_trials(deepcopy=False, states=(optuna.trial.TrialState.RUNNING,)):
        _lost(study, trial)
    return rows_of(study)


def one(storage, index: int, config: SearchConfig) -> int:
    """Ask for a trial and see it through, in whatever process this is; returns its number.

    If a worker died over the same `index`, its trial is the next one that is asked for.
    """
    import optuna

    study = _load(storage, sampler=_sampler(objective.seed_of(config.seed, index)))
    for trial in study.get_trials(deepcopy=False, states=(optuna.trial.TrialState.RUNNING,)):
        if trial.user_attrs.get(Attr.INDEX) == index:
            (_again if trial.user_attrs[Attr.TRIES] < TRIES else _lost)(study, trial)
    last = rows_of(study)[-STALE:]
    if len(last) == STALE and all(r.pruned is PruneReason.REPEATED for r in last):
        study.sampler = optuna.samplers.RandomSampler(objective.seed_of(config.seed, index))
    trial = study.ask()
    tries = trial.user_attrs.get(Attr.TRIES, 0)
    trial.set_user_attr(Attr.INDEX, index)
    state, values = optuna.trial.TrialState.FAIL, None
    while state == optuna.trial.TrialState.FAIL and tries < TRIES:
        trial.set_user_attr(Attr.TRIES, tries := tries + 1)
        try:
            values = _try(study, trial, config)
            state = optuna.trial.TrialState.COMPLETE
        except optuna.TrialPruned as pruned:
            trial.set_user_attr(Attr.REASON, str(pruned))
            state = optuna.trial.TrialState.PRUNED
        except Exception as error:
            why = f"{type(error).__name__}: {error}"[:400]
            trial.set_user_attr(Attr.REASON, f"{why} (tried {tries} times)")
    study.tell(trial, values, state=state)
    return trial.number


def _try(study, trial, config: SearchConfig) -> list[float]:
    """The objective: values in the order of GOALS. Raises TrialPruned before any training."""
    c = objective.worker_context(config)
    for name, kind in trial.distributions.items():
        # drawn before a kill, and not again: let the sampler go past, so that what follows is the same
        if name not in trial.relative_params:
            frozen = study._storage.get_trial(trial._trial_id)
            study.sampler.sample_independent(study, frozen, name, kind)
    candidate = space.suggest(trial, c.known)
    trial.set_user_attr(Attr.CANDIDATE, candidate)
    others = [r for r in rows_of(study) if r.number != trial.number]
    if same := [r.number for r in others if r.candidate == candidate and r.state != State.FAILED]:
        raise _pruned(trial, Pruned(PruneReason.REPEATED, f"the same as trial {same[0]}"))
    expected = c.estimate(candidate)
    start = c.start.instructions
    if expected.instructions > start:
        trial.set_constraint(Constraint.INSTRUCTIONS, 1.0)
        why = "takes more instructions than the hand-made student"
        raise _pruned(trial, Pruned(PruneReason.INSTRUCTIONS, why))
    if Constraint.INSTRUCTIONS not in trial.constraints:  # not before a kill
        trial.set_constraint(Constraint.INSTRUCTIONS, expected.instructions / start - WORTH)
    trial.set_user_attr(Attr.ESTIMATE, asdict(expected))
    done = [
        (r.value("accuracy"), r.value("instructions")) for r in others if r.state == State.COMPLETE
    ]
    mhz = c.design.board.value("clock_mhz")
    if found := prune.by_estimate(expected, c.design.budget, mhz, done, c.cpu):
        trial.set_constraint(Constraint.ESTIMATE, 1.0)
        raise _pruned(trial, found)
    result = objective.evaluate_trial(candidate, config)
    for name, much in objective.excess(result.figures, c.design.budget).items():
        if name not in trial.constraints:  # nor this
            trial.set_constraint(name, much)
    trial.set_user_attr(Attr.FIGURES, {k: f.to_dict() for k, f in result.figures.items()})
    trial.set_user_attr(Attr.SECONDS, round(result.seconds, 2))
    path = predictions_path(config, trial.number)
    path.parent.mkdir(parents=True, exist_ok=True)
    np.save(path, result.predicted)
    return [result.value(name) for name in GOALS]


# ------------------------------------------------------------------------------------ inside

PROMISED = {  # what a search that goes on must have in common with the one that began
    "schema": "format",
    "use_case": "use case",
    "profile": "profile",
    "seed": "seed",
    "stamp": "data, split, teacher or use case",
}


def _pruned(trial, pruned: Pruned):
    """The exception that prunes a trial; it is kept why."""
    import optuna

    trial.set_user_attr(Attr.PRUNED, pruned.reason)
    return optuna.TrialPruned(pruned.text)


def _sampler(seed: int):
    """Multi-objective TPE (Ozaki et al. 2022): learns from far fewer trials than a population needs."""
    from optuna.samplers import TPESampler

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # multivariate and constant_liar are marked experimental
        return TPESampler(
            seed=seed, n_startup_trials=STARTUP, multivariate=True, constant_liar=True
        )


def _open(config: SearchConfig, executor: Executor):
    """(storage, study), new or as it was left. Raises EdgekitError if it belongs to another search."""
    import optuna

    optuna.logging.set_verbosity(optuna.logging.ERROR)
    folder = config.folder
    folder.mkdir(parents=True, exist_ok=True)
    storage = f"sqlite:///{(folder / 'study.db').as_posix()}"
    if executor.client is not None:
        from optuna_integration.dask import DaskStorage

        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            storage = DaskStorage(storage, client=executor.client)
    if NAME in optuna.get_all_study_names(storage):
        study = optuna.load_study(study_name=NAME, storage=storage)
    else:
        study = optuna.create_study(storage=storage, study_name=NAME, directions=DIRECTIONS)
    promise = {
        "schema": SCHEMA,
        "use_case": config.use_case,
        "profile": config.profile,
        "seed": config.seed,
        "stamp": config.stamp,
    }
    held = study.user_attrs.get("config")
    if held is None:
        study.set_user_attr("config", promise)
        known = _known(config, executor)
        study.set_user_attr("space", known)
        for first in space.first(known):
            study.enqueue_trial(first)
        return storage, study
    for name, value in promise.items():
        if held.get(name) != value:
            raise EdgekitError(
                f"{folder} holds a search with another {PROMISED[name]} ({held.get(name)}, not {value}): "
                "delete it to start over, or choose another --run-dir"
            )
    _known(config, executor)  # the costs of features, should somebody have deleted them
    return storage, study


def _known(config: SearchConfig, executor: Executor) -> dict:
    """The space, and the cost of every feature step, computed where TensorFlow is loaded already."""
    return executor.result(prepare_space, config)


def prepare_space(config: SearchConfig) -> dict:
    """The space of the search; afterwards TensorFlow is loaded, and the cost of every feature step known."""
    c = objective.worker_context(config)
    _ = c.feature_costs
    return c.known


def _load(storage, sampler):
    import optuna

    optuna.logging.set_verbosity(optuna.logging.ERROR)
    return optuna.load_study(study_name=NAME, storage=storage, sampler=sampler)


def _again(study, trial) -> None:
    """A trial that nobody is at any more waits to be asked for."""
    from optuna.trial import TrialState

    study._storage.set_trial_state_values(trial._trial_id, TrialState.WAITING)


def _lost(study, trial) -> None:
    from optuna.trial import TrialState

    study._storage.set_trial_user_attr(trial._trial_id, Attr.REASON, "its worker died")
    study.tell(trial.number, state=TrialState.FAIL)


def _resume(study) -> None:
    """Trials that a killed search left running wait to be run again, under their own numbers.

    They are not marked as failed and asked for anew, because then a search that was interrupted would end
    elsewhere than one that was not. What was drawn stays drawn.
    """
    from optuna.trial import TrialState

    for trial in study.get_trials(deepcopy=False, states=(TrialState.RUNNING,)):
        for name, value in {Attr.TRIES: 0, Attr.INDEX: None}.items():  # it was not to blame
            study._storage.set_trial_user_attr(trial._trial_id, name, value)
        _again(study, trial)
