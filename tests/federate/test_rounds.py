"""What a round asks of the radio agrees with what the kit says of any message."""

import numpy as np
import pytest

from edgekit import select
from edgekit.catalog import links
from edgekit.federate.rounds import radio_costs

SIZES = {"float32": 4512.0, "int8": 1148.0, "top": 342.0}


@pytest.mark.parametrize("link", links().values(), ids=lambda link: link.key)
def test_it_is_a_message_of_that_size_and_the_duty_cycle_is_kept(link):
    costs = radio_costs(link, SIZES, 30)
    assert list(costs["update"]) == list(SIZES)
    for row, size in zip(costs.itertuples(), SIZES.values(), strict=True):
        np.testing.assert_equal(row.seconds, select.airtime_s(link, size))
        np.testing.assert_equal(row.millijoules, select.message_energy_mj(link, size))
    on_air = 30 * costs.seconds / (60 * costs.minutes)
    np.testing.assert_allclose(on_air[costs.seconds.notna()], link.share)
    assert not (np.diff(costs.seconds) > 0).any()  # fewer bytes are never longer on the air
