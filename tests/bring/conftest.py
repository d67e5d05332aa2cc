"""What tests of `edgekit new` share."""

from __future__ import annotations

import shutil

import pytest

from edgekit.core.workspace import Workspace


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    """A project of somebody else's: the notebooks and nothing more."""
    home = tmp_path_factory.mktemp("project")
    shutil.copytree(Workspace.find().folder / "notebooks", home / "notebooks")
    return home
