"""A run as MLflow shows it, for those who keep their experiments there; by default in the run's own folder.

Every line of the budget and every figure of a chapter is a metric, with its interval beside it (`…/low`,
`…/high`) and where it comes from in a tag. Nothing leaves this machine unless the address is another's;
MLflow's own telemetry is off.
"""

from __future__ import annotations

import logging
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from math import isfinite
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from urllib.request import url2pathname

from edgekit.core.errors import EdgekitError
from edgekit.core.extras import missing
from edgekit.core.version import VERSION
from edgekit.pipeline import artefacts
from edgekit.pipeline.manifest import artefact_path
from edgekit.pipeline.review import Review
from edgekit.view import papers
from edgekit.view.report import result

FOLDER, DATABASE, FILES = "mlflow", "mlflow.db", "files"
SILENT = {"MLFLOW_DISABLE_TELEMETRY": "true", "DO_NOT_TRACK": "true"}
PATIENCE = {"MLFLOW_HTTP_REQUEST_MAX_RETRIES": "1", "MLFLOW_HTTP_REQUEST_TIMEOUT": "20"}
NAME = re.compile(r"[^\w\-. /]", re.ASCII)  # what MLflow does not take in a name
NAME_MOST = 250  # characters of a name
TEXT = 5000  # characters of a tag or a parameter, the least of what its stores keep
PAPERS = ("report.html", "manifest.json", "design.toml")  # of the run's folder, if they are there
ARTEFACTS = ("model.tflite", "model.json", "ledger.json")


def require() -> None:
    """Load MLflow, with its telemetry off. Raises EdgekitError where the extra `track` is missing."""
    os.environ.update(SILENT)  # before it is imported
    for name, value in PATIENCE.items():
        os.environ.setdefault(name, value)
    try:
        import alembic  # noqa: F401, its database's
        import mlflow  # noqa: F401
    except ModuleNotFoundError as error:
        raise missing("tracking needs", error.name, "track") from None
    for name in ("mlflow", "alembic"):
        logging.getLogger(name).setLevel(logging.ERROR)


def track(directory: Path, found: Review, address: str = "") -> str:
    """Log the reviewed run of `directory`; a line that says where it went.

    `address`: a folder, or what MLflow takes: `sqlite:///runs.db`, `http://…`; empty: a folder in the run.
    Raises EdgekitError where MLflow is missing, or does not take it.
    """
    require()
    from mlflow import MlflowClient

    uri = store_uri(address, directory)
    with _in_one_line(uri):
        store = MlflowClient(tracking_uri=uri, registry_uri=uri)
        experiment = _experiment(store, found.manifest["use_case"])
        run = store.create_run(experiment, run_name=directory.name, tags=dict(_tags(found)))
        number = run.info.run_id
        try:
            _log(store, number, directory, found)
        except BaseException:
            store.set_terminated(number, "FAILED")
            raise
        store.set_terminated(number)
    return f"{directory.name} in {shown(uri)}, run {number}"


def shown(text: str) -> str:
    """Addresses in `text` without the names and passwords that may stand in them."""
    return re.sub(r"//[^/\s]*@", "//", text)


# ------------------------------------------------------------------------------------ inside


def _log(store: Any, number: str, directory: Path, found: Review) -> None:
    for name, value in _parameters(found).items():
        store.log_param(number, _name(name), str(value)[:TEXT])
    for name, value in _metrics(found):
        if isfinite(value):
            store.log_metric(number, _name(name), float(value))
    for name in PAPERS:
        if (directory / name).is_file():
            store.log_artifact(number, str(directory / name))
    for name in ARTEFACTS:
        if artefact_path(directory, name).is_file():
            store.log_artifact(number, str(artefact_path(directory, name)), "artefacts")
    if artefact_path(directory, "ledger.json").is_file():
        ledger = artefacts.read(artefact_path(directory, "ledger.json"))
        store.log_text(number, ledger.table.to_csv(), "ledger.csv")
    if papers.ready(directory):
        store.log_artifact(number, str(papers.write_card(directory, found)))


def _name(text: str) -> str:
    """`text` as MLflow takes a name: no other characters, and no part that leads elsewhere."""
    parts = (NAME.sub("_", part) for part in text.split("/"))
    return "/".join("_" if part.strip(".") == "" else part for part in parts)[:NAME_MOST]


def _parameters(found: Review) -> dict[str, Any]:
    design, manifest = found.design, found.manifest
    asked = {
        f"{step}/{name}": value
        for step, told in manifest["steps"].items()
        for name, value in told.get("parameters", {}).items()
        if name not in ("use_case", "profile") and value != ""
    }
    hardware = {"board": design.board.name, "link": design.link.name}
    limits = {f"budget/{key}": limit for key, limit in design.budget.limits.items()}
    return {
        "profile": manifest["profile"],
        "data": found.data or "none",
        **hardware,
        "battery": design.battery.name,
        "edgekit": VERSION,
        **limits,
        **asked,
    }


def _metrics(found: Review) -> Iterator[tuple[str, float]]:
    """Lines of the budget by their names, with 1 for kept and 0 for missed; then each chapter's figures."""
    figures = {v.key: v.figure for v in found.verdicts if v.figure is not None}
    figures |= {"/".join(where): figure for where, figure in found.figures.items()}
    for name, figure in figures.items():
        yield name, figure.value
        for end in ("low", "high"):
            if (bound := getattr(figure, end)) is not None:
                yield f"{name}/{end}", bound
    for verdict in found.verdicts:
        if verdict.state != "not judged":
            yield f"{verdict.key}/kept", float(verdict.passed)


def _tags(found: Review) -> Iterator[tuple[str, str]]:
    yield "mlflow.note.content", f"{found.verdicts.summary()}.\n\n{result(found)}"
    yield "budget", found.verdicts.state
    for verdict in found.verdicts:
        if verdict.figure is None:
            yield _name(f"{verdict.key}/state"), f"not judged: {verdict.note}"[:TEXT]
        else:
            origin = f"{verdict.figure.origin}: {verdict.figure.source}"
            yield _name(f"{verdict.key}/from"), origin[:TEXT]


def _experiment(store: Any, use_case: str) -> str:
    """Its number; the experiment of a database on this machine keeps its files beside that."""
    if (known := store.get_experiment_by_name(use_case)) is not None:
        return known.experiment_id
    place = None
    if store.tracking_uri.startswith("sqlite:///"):
        place = (_database(store.tracking_uri).parent / FILES / use_case).as_uri()
    return store.create_experiment(use_case, artifact_location=place)


def store_uri(address: str, directory: Path) -> str:
    """What MLflow is given: a folder is one with a database in it; its store of plain files is no more."""
    scheme = urlsplit(address).scheme
    if scheme.startswith("sqlite"):
        _database(address).parent.mkdir(parents=True, exist_ok=True)
        return address
    if scheme and scheme != "file" and len(scheme) > 1:  # one letter is a drive of Windows
        return address
    folder = Path(url2pathname(urlsplit(address).path) if scheme == "file" else address or FOLDER)
    folder = folder if address else directory / folder
    if folder.exists() and not folder.is_dir():
        raise EdgekitError(
            f"--track {address}: that is a file; name a folder, or sqlite:///{address}"
        )
    folder.mkdir(parents=True, exist_ok=True)
    return f"sqlite:///{(folder / DATABASE).resolve().as_posix()}"


def _database(uri: str) -> Path:
    """The file of `sqlite:///…`."""
    return Path(uri.partition(":///")[2]).resolve()


@contextmanager
def _in_one_line(uri: str) -> Iterator[None]:
    """What MLflow and its database raise, of which there are many kinds, becomes one line."""
    try:
        yield
    except EdgekitError:
        raise
    except Exception as error:
        said = (str(error).strip().splitlines() or [type(error).__name__])[0]
        raise EdgekitError(shown(f"MLflow at {uri} took nothing: {said}")) from None
