"""Slower is less power, but never nothing."""

import pytest

from edgekit import catalog, select
from edgekit.core.errors import EdgekitError


def test_active_power_follows_the_clock():
    for board in catalog.boards().values():
        full = board.value("clock_mhz")
        if not full > 1:
            continue
        at = [select.active_power(board, f * full) for f in (0.01, 0.3, 1)]
        if at[2].value == at[2].value:  # known
            assert at[0].value < at[1].value < at[2].value == board.value("active_power_mw")
            assert at[0].value > 0.1 * at[2].value  # leakage stays
        assert at[0].provenance == "estimated"
        with pytest.raises(EdgekitError, match="up to"):
            select.active_power(board, full * 1.01)
