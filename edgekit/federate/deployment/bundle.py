"""The app that Flower carries to its nodes (a FAB): two lines that name what the kit has on both sides, and
the plan as the run's configuration.
"""

from __future__ import annotations

import re
from dataclasses import asdict
from pathlib import Path

import tomli_w

from edgekit.core.atomic import atomic_write_bytes
from edgekit.core.errors import EdgekitError
from edgekit.core.version import VERSION
from edgekit.federate.plan import Plan

APPS = "edgekit.federate.deployment.apps"
PACKAGE = "edgekit_federation"
FLOWER = "1.42.0"  # the version of `pyproject.toml`'s group "federate"
MODULE = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)*", re.ASCII)


def write_bundle(
    folder: Path, plan: Plan, token: str, *, wait: float, patience: float, apps: str = APPS
) -> None:
    """The app's `folder`, for the run `token` of `plan`; `wait` and `patience` in s (see `patient_grid`).

    apps: the module whose `client()` and `server()` make the two apps; both sides must have it. Raises
    EdgekitError for a plan with something that there is in process only, or for no module's name.
    """
    if plan.dropout or plan.poisoned:
        raise EdgekitError(
            "dropout and poisoned clients are for trials in process: here they are real"
        )
    if not MODULE.fullmatch(apps):
        raise EdgekitError(f"{apps!r:.80} is no name of a module")
    config = {**asdict(plan), "token": token, "wait": float(wait), "patience": float(patience)}
    project = {
        "build-system": {"requires": ["hatchling"], "build-backend": "hatchling.build"},
        "project": {
            "name": "edgekit-federation",
            "version": VERSION,
            "description": "A plan of edgekit's federated learning",
            "license": "Apache-2.0",
            "dependencies": [f"flwr=={FLOWER}"],
        },
        "tool": {
            "hatch": {"build": {"targets": {"wheel": {"packages": ["."]}}}},
            "flwr": {
                "app": {
                    "publisher": "edgekit",
                    "flwr-version-target": FLOWER,
                    "components": {
                        "serverapp": f"{PACKAGE}.server:app",
                        "clientapp": f"{PACKAGE}.client:app",
                    },
                    "config": config,
                }
            },
        },
    }
    files = {f"{PACKAGE}/__init__.py": "", "pyproject.toml": tomli_w.dumps(project)}
    for side in ("client", "server"):
        files[f"{PACKAGE}/{side}.py"] = f"from {apps} import {side}\n\napp = {side}()\n"
    for name, text in files.items():
        atomic_write_bytes(folder / name, text.encode())
