"""The two apps as Flower starts them, each in a process of its own that knows one folder.

A node's folder holds its windows and never leaves it; the server's has the arrays to begin with, the nodes
that were admitted, and what came out, written whole or not at all.
"""

from __future__ import annotations

import io
import json
import os
from collections.abc import Callable, Mapping
from dataclasses import asdict, astuple, fields, replace
from functools import cache
from operator import attrgetter
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zipfile import BadZipFile

import numpy as np

from edgekit.core.atomic import atomic_write_bytes
from edgekit.core.errors import EdgekitError
from edgekit.federate.client import client_app
from edgekit.federate.clients import Client
from edgekit.federate.deployment.patient_grid import PatientGrid
from edgekit.federate.flower import ClientApp, Context, Grid, ServerApp
from edgekit.federate.plan import Plan
from edgekit.federate.refusal import Refusal
from edgekit.federate.server import Federated, federate
from edgekit.federate.statistics import Statistics

if TYPE_CHECKING:
    from edgekit.federate.network import Network

FOLDER = "EDGEKIT_FEDERATION"  # the variable that names this process's folder
WINDOWS, CLIENT = "windows.npz", "client.json"
START, NODES, OUTCOMES = "start.npz", "nodes.json", "outcomes"
STATISTICS = tuple(f.name for f in fields(Statistics))


def client(network: Callable[[], Any] | None = None) -> ClientApp:
    """The ClientApp of this process's node; `network` in place of the student that `client.json` names."""
    folder = Path(os.environ[FOLDER])
    settings = json.loads((folder / CLIENT).read_bytes())
    windows = read_windows(folder / WINDOWS, settings["classes"])
    return client_app(
        lambda context: windows, cache(network or (lambda: student(settings))), settings["classes"]
    )


def server() -> ServerApp:
    """The ServerApp: all rounds of the plan in the run's configuration, and what came out, or why nothing."""
    app = ServerApp()

    @app.main()
    def main(grid: Grid, context: Context) -> None:
        folder, config = Path(os.environ[FOLDER]), context.run_config
        try:
            result = _run(grid, folder, config)
        except Exception as error:
            known = isinstance(error, EdgekitError)
            text = str(error) if known else f"the ServerApp failed, {type(error).__name__}: {error}"
            write_error(folder, str(config["token"]), text)
            raise
        write_result(outcome(folder, str(config["token"])), result)

    return app


def _run(grid: Grid, folder: Path, config: Mapping[str, Any]) -> Federated:
    plan = Plan(**{f.name: config[f.name] for f in fields(Plan)})
    nodes = {int(n["id"]): str(n["name"]) for n in json.loads((folder / NODES).read_bytes())}
    patient = PatientGrid(grid, nodes, float(config["patience"]), plan.seed)
    patient.wait(float(config["wait"]))
    found = federate(patient, plan, read_arrays(folder / START))
    refused = [replace(r, client=nodes[int(r.client)]) for r in found.refused + patient.late]
    return replace(found, refused=sorted(refused, key=attrgetter("round")))


def student(settings: Mapping[str, Any]) -> Network:
    """The network that `settings` name, see there. Imports TensorFlow."""
    from edgekit import usecases
    from edgekit.federate.network import Network

    case = usecases.load(settings["use_case"], Path(settings["workspace"]))
    return Network(case, settings["classes"])


def settings(use_case: str, workspace: Path, classes: int) -> dict[str, Any]:
    """What `client.json` has: the student of which `use_case`, found from `workspace`, and how many `classes`
    it tells apart. The node says so, and not the server."""
    return {"use_case": use_case, "workspace": str(workspace), "classes": classes}


def write_node(folder: Path, X: np.ndarray, y: np.ndarray, settings: Mapping[str, Any]) -> None:
    """A node's own windows: features `X` (n, 1, position, channel) float32, `y` (n,) int64.

    settings: as `settings` makes them.
    """
    _write(folder / WINDOWS, X=X.astype(np.float32), y=y.astype(np.int64))
    atomic_write_bytes(folder / CLIENT, json.dumps(dict(settings)).encode())


def read_windows(file: Path, classes: int) -> Client:
    """A client's windows of `file`, of so many `classes`. Raises EdgekitError for what no training could use,
    and says why."""
    read = _read(file)
    if not {"X", "y"} <= set(read):
        raise EdgekitError(f"{file} has {', '.join(read) or 'nothing'}: it needs X and y")
    X, y = read["X"], read["y"]
    if X.dtype != np.float32 or X.ndim != 4 or not len(X) or not np.isfinite(X).all():
        raise EdgekitError(f"{file}: X must be finite float32 features (n, 1, position, channel)")
    if y.shape != (len(X),) or y.dtype.kind not in "iu" or y.min() < 0 or y.max() >= classes:
        raise EdgekitError(f"{file}: y must be {len(X)} class numbers from 0 to {classes - 1}")
    return Client("own", X, y.astype(np.int64))


def outcome(folder: Path, token: str) -> Path:
    """Where the run `token` writes what came out. Raises EdgekitError for a token that we did not give."""
    if not (token.isalnum() and token.isascii() and len(token) <= 64):
        raise EdgekitError(f"{token!r:.80} is no run of ours")
    return folder / OUTCOMES / f"{token}.npz"


def write_error(folder: Path, token: str, text: str) -> None:
    """Why the run `token` brought nothing, `text` in one line, for who started it."""
    atomic_write_bytes(outcome(folder, token).with_suffix(".txt"), text.encode())


def write_result(file: Path, found: Federated) -> None:
    """What came out of a run, as one file of arrays; there whole or not at all."""
    arrays = {f"array{i}": a for i, a in enumerate(found.arrays)}
    refused = np.array([astuple(r) for r in found.refused], np.str_).reshape(-1, 3)
    epsilon = np.array([] if found.epsilon is None else [found.epsilon])
    _write(file, **arrays, **asdict(found.statistics), refused=refused, epsilon=epsilon)


def read_result(file: Path) -> Federated:
    """What `write_result` wrote. Raises EdgekitError for another file."""
    read = _read(file)
    try:
        statistics = Statistics(*(read[name] for name in STATISTICS))
        epsilon = float(read["epsilon"][0]) if read["epsilon"].size else None
        refused = [Refusal(int(number), *rest) for number, *rest in read["refused"].tolist()]
        return Federated(_numbered(read), statistics, refused, epsilon)
    except KeyError as error:
        raise EdgekitError(f"{file} is no result of a federation: it has no {error}") from None
    except (TypeError, ValueError):
        raise EdgekitError(
            f"{file} is of another version of the kit: run the federation again"
        ) from None


def write_arrays(file: Path, arrays: list[np.ndarray]) -> None:
    """A model's `arrays` to begin with, of any shapes (n, …)."""
    _write(file, **{f"array{i}": a for i, a in enumerate(arrays)})


def read_arrays(file: Path) -> list[np.ndarray]:
    """What `write_arrays` wrote, each of its shape (n, …). Raises EdgekitError for another file."""
    return _numbered(_read(file))


def _numbered(read: Mapping[str, np.ndarray]) -> list[np.ndarray]:
    return [read[f"array{i}"] for i in range(sum(name.startswith("array") for name in read))]


def _write(file: Path, **arrays: np.ndarray) -> None:
    buffer = io.BytesIO()
    np.savez(buffer, **arrays)  # type: ignore[arg-type]
    atomic_write_bytes(file, buffer.getvalue())


def _read(file: Path) -> dict[str, np.ndarray]:
    try:
        with np.load(file, allow_pickle=False) as read:
            return dict(read)
    except FileNotFoundError:
        raise EdgekitError(f"there is no {file}") from None
    except (ValueError, EOFError, BadZipFile, AttributeError, TypeError):
        raise EdgekitError(f"{file} holds no arrays (.npz)") from None
