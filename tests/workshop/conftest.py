"""One finished run for all exercises of a session; a copy of the built sets for all that look at them."""

from __future__ import annotations

from pathlib import Path

import pytest

from edgekit.core.workspace import Workspace
from edgekit.workshop import build, exercise_books
from tests.workshop.finished_run import finished_run

HERE = Workspace(Path(__file__).resolve().parents[2])
BOOKS = exercise_books(HERE)


@pytest.fixture(scope="session")
def finished(tmp_path_factory) -> Path:
    """About 20 s: simulated people, a student trained as the quick profile does, its program and package."""
    return finished_run(tmp_path_factory.mktemp("run"))


@pytest.fixture(scope="session")
def course(tmp_path_factory) -> Path:
    """The folder that `edgekit workshop build` writes, of all chapters."""
    folder = tmp_path_factory.mktemp("course")
    build(folder, workspace=HERE)
    return folder
