"""Every data set has a card that says all of it."""

from __future__ import annotations

import pytest

from edgekit.core.errors import EdgekitError
from edgekit.core.workspace import Workspace
from edgekit.datasets import card, mfpt
from edgekit.simulators import bearings


def test_the_cards_say_what_they_must():
    folder = Workspace.find().folder / "data"
    for path in folder.glob("*.toml"):
        assert card(path.stem).fields["flaws"]
        assert "<table" in card(path.stem)._repr_html_()
    assert set(card("mfpt")["labels"]) == set(mfpt.LABELS.values())
    assert set(card("bearing-simulator")["labels"]) == set(bearings.LABELS)
    with pytest.raises(EdgekitError, match="Did you mean 'mfpt'"):
        card("mftp")


def test_an_incomplete_card_names_what_it_lacks(tmp_path):
    (tmp_path / "x.toml").write_text('title = "X"')
    with pytest.raises(EdgekitError, match="lacks what, who, licence"):
        card("x", tmp_path)
    (tmp_path / "x.toml").write_text("title = ")
    with pytest.raises(EdgekitError, match="no valid TOML"):
        card("x", tmp_path)
