"""The search: Optuna proposes, processes try, everything that was learnt stays in the run's directory.

The study lives in `<run>/search/study.db`. Each trial has its own sampler, seeded by the study's seed and
the trial's number: a search that was killed goes on as if nothing had happened, and one worker always finds
the same. Through Dask the database stands behind Optuna's `DaskStorage`, so that
one process, the scheduler's, writes to it.
"""

from __future__ import annotations

import contextlib
import warnings
from collections.abc import Callable
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path

import numpy as np

from edgekit.core.errors import EdgekitError
from edgekit.core.figures import Figure
from edgekit.search import cost, objective, space
from edgekit.search.cluster import need
from edgekit.search.executor import TRIES, Executor, executor
from edgekit.search.objective import SearchConfig

NAME = "students"
DIRECTIONS = ("maximize", "minimize", "minimize")
GOALS = ("accuracy", "instructions", "flash")
WORTH = 0.75  # of the hand-made student's instructions: what a search is for
STARTUP = 12  # trials, those of `space.first` included, before the sampler can learn from them
SAME = "the same as trial"
STALE = 3  # after so many of these in a row the next one is drawn at random
PRUNED = 10  # hopeless candidates for each that is trained, before the space counts as exhausted


@dataclass(frozen=True)
class Row:
    """One trial as it is shown: `state` is "complete", "pruned" or "failed", `reason` why."""

    number: int
    state: str
    reason: str
    candidate: dict
    figures: dict[str, Figure]
    estimate: dict
    kept: bool  # every line of the budget
    seconds: float

    def value(self, name: str) -> float:
        return self.figures[name].value if name in self.figures else float("nan")


def search_executor(
    config: SearchConfig, workers: int, scheduler: str, say: Callable[[str], None] = print
):
    """The Crew of a search, in a `with`: each of its processes is warmed up."""
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
    asked, most, before = len(rows), trials * (PRUNED + 1), _count(rows, "failed")
    try:
        while True:
            trained, failed = _count(rows, "complete"), _count(rows, "failed") - before
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
                    say(line(row, f"{_count(rows, 'complete')} of {trials} trained"))
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
        if trial.user_attrs.get("index") == index:
            (_again if trial.user_attrs["tries"] < TRIES else _lost)(study, trial)
    last = rows_of(study)[-STALE:]
    if len(last) == STALE and all(r.reason.startswith(SAME) for r in last):
        study.sampler = optuna.samplers.RandomSampler(objective.seed_of(config.seed, index))
    trial = study.ask()
    tries = trial.user_attrs.get("tries", 0)
    trial.set_user_attr("index", index)
    state, values = optuna.trial.TrialState.FAIL, None
    while state == optuna.trial.TrialState.FAIL and tries < TRIES:
        trial.set_user_attr("tries", tries := tries + 1)
        try:
            values = _try(study, trial, config)
            state = optuna.trial.TrialState.COMPLETE
        except optuna.TrialPruned as pruned:
            trial.set_user_attr("reason", str(pruned))
            state = optuna.trial.TrialState.PRUNED
        except Exception as error:
            why = f"{type(error).__name__}: {error}"[:400]
            trial.set_user_attr("reason", f"{why} (tried {tries} times)")
    study.tell(trial, values, state=state)
    return trial.number


def _try(study, trial, config: SearchConfig) -> list[float]:
    """The objective: values in the order of GOALS. Raises TrialPruned before any training."""
    import optuna

    c = objective.worker_context(config)
    for name, kind in trial.distributions.items():
        # drawn before a kill, and not again: let the sampler go past, so that what follows is the same
        if name not in trial.relative_params:
            frozen = study._storage.get_trial(trial._trial_id)
            study.sampler.sample_independent(study, frozen, name, kind)
    candidate = space.suggest(trial, c.known)
    trial.set_user_attr("candidate", candidate)
    others = [r for r in rows_of(study) if r.number != trial.number]
    if same := [r.number for r in others if r.candidate == candidate and r.state != "failed"]:
        raise optuna.TrialPruned(f"{SAME} {same[0]}")
    expected = c.estimate(candidate)
    start = c.start.instructions
    if expected.instructions > start:
        trial.set_constraint("too_many_instructions", 1.0)
        raise optuna.TrialPruned("takes more instructions than the hand-made student")
    if "too_many_instructions" not in trial.constraints:  # not before a kill
        trial.set_constraint("too_many_instructions", expected.instructions / start - WORTH)
    trial.set_user_attr("estimate", asdict(expected))
    done = [(r.value("accuracy"), r.value("instructions")) for r in others if r.state == "complete"]
    mhz = c.design.board.value("clock_mhz")
    if why := cost.prune_reason(expected, c.design.budget, mhz, done, c.cpu):
        trial.set_constraint("over_estimate", 1.0)
        raise optuna.TrialPruned(why)
    judged = objective.evaluate_trial(candidate, config)
    for name, much in objective.excess(judged.figures, c.design.budget).items():
        if name not in trial.constraints:  # nor this
            trial.set_constraint(name, much)
    trial.set_user_attr("figures", {k: f.to_dict() for k, f in judged.figures.items()})
    trial.set_user_attr("seconds", round(judged.seconds, 2))
    path = predictions_path(config, trial.number)
    path.parent.mkdir(parents=True, exist_ok=True)
    np.save(path, judged.predicted)
    return [judged.value(name) for name in GOALS]


def rows_of(study) -> list[Row]:
    """All finished trials, by number."""
    rows = []
    for trial in study.get_trials(deepcopy=False, states=_finished()):
        attrs = trial.user_attrs
        rows.append(
            Row(
                trial.number,
                {"FAIL": "failed"}.get(trial.state.name, trial.state.name.lower()),
                attrs.get("reason", ""),
                attrs.get("candidate", {}),
                {k: Figure.from_dict(f) for k, f in attrs.get("figures", {}).items()},
                attrs.get("estimate", {}),
                all(v <= 0 for k, v in trial.constraints.items() if k != "too_many_instructions"),
                attrs.get("seconds", 0.0),
            )
        )
    return sorted(rows, key=lambda r: r.number)


def predictions_path(config: SearchConfig, number: int) -> Path:
    """Where a complete trial's answers to `Context.held` are."""
    return config.folder / "trials" / f"{number:04d}.npy"


def line(row: Row, progress: str) -> str:
    """A finished trial in one line; `progress` says how far the search is."""
    what = f"trial {row.number:3d}  {progress:<16}  {row.state:<8}"
    if row.state != "complete":
        return f"{what} {row.reason}"
    kept = "" if row.kept else "  over the budget"
    return (
        f"{what} {row.value('accuracy'):.3f}  {row.value('instructions'):>9,.0f} instructions  "
        f"{row.value('flash'):>7,.0f} B flash  {row.seconds:5.1f} s  {described(row.candidate)}{kept}"
    )


def described(candidate: dict) -> str:
    """A candidate in a few words."""
    if not candidate:
        return ""
    words = {"distilled": candidate["distil"], "qat": candidate["quantize"] == "qat"}
    words[f"rate x {candidate['rate']:g}"] = candidate["rate"] != 1
    how = ", ".join(word for word, on in words.items() if on)
    if candidate["network"] == "student":
        what = f"student x {candidate['share']:g}"
    else:
        widths = "-".join(map(str, candidate["widths"])) or "dense"
        what = (
            f"{widths} k{candidate['kernel']} s{candidate['stride']}"
            if candidate["widths"]
            else widths
        )
        what += " separable" if candidate.get("separable") else ""
        what += f" {candidate['pool']}" if candidate["widths"] else ""
        what += f" +{candidate['hidden']}" if candidate["hidden"] else ""
    return f"{candidate['features']}: {what}{', ' + how if how else ''}"


# ------------------------------------------------------------------------------------ inside


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
        "use case": config.use_case,
        "profile": config.profile,
        "seed": config.seed,
        "data, split, teacher or use case": config.stamp,
    }
    held = study.user_attrs.get("terms")
    if held is None:
        study.set_user_attr("terms", promise)
        known = _known(config, executor)
        study.set_user_attr("space", known)
        for first in space.first(known):
            study.enqueue_trial(first)
        return storage, study
    for name, value in promise.items():
        if held.get(name) != value:
            raise EdgekitError(
                f"{folder} holds a search with another {name} ({held.get(name)}, not {value}): "
                "delete it to start over, or choose another --run-dir"
            )
    _known(config, executor)  # the prices, should somebody have deleted them
    return storage, study


def _known(config: SearchConfig, executor: Executor) -> dict:
    """The space, and the price of every feature, computed where TensorFlow is loaded already."""
    return executor.result(prepare_space, config)


def prepare_space(config: SearchConfig) -> dict:
    """The space of the search; afterwards this process is warm and every feature has its price."""
    c = objective.worker_context(config)
    _ = c.feature_costs
    return c.known


def _load(storage, sampler):
    import optuna

    optuna.logging.set_verbosity(optuna.logging.ERROR)
    return optuna.load_study(study_name=NAME, storage=storage, sampler=sampler)


def _count(rows: list[Row], state: str) -> int:
    return sum(row.state == state for row in rows)


def _again(study, trial) -> None:
    """A trial that nobody is at any more waits to be asked for."""
    from optuna.trial import TrialState

    study._storage.set_trial_state_values(trial._trial_id, TrialState.WAITING)


def _lost(study, trial) -> None:
    from optuna.trial import TrialState

    study._storage.set_trial_user_attr(trial._trial_id, "reason", "its worker died")
    study.tell(trial.number, state=TrialState.FAIL)


def _resume(study) -> None:
    """Trials that a killed search left running wait to be run again, under their own numbers.

    They are not marked as failed and asked for anew, because then a search that was interrupted would end
    elsewhere than one that was not. What was drawn stays drawn.
    """
    from optuna.trial import TrialState

    for trial in study.get_trials(deepcopy=False, states=(TrialState.RUNNING,)):
        for name, value in {"tries": 0, "index": None}.items():  # it was not to blame
            study._storage.set_trial_user_attr(trial._trial_id, name, value)
        _again(study, trial)


def _finished():
    from optuna.trial import TrialState

    return (TrialState.COMPLETE, TrialState.PRUNED, TrialState.FAIL)
