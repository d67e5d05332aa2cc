"""What a device pays for deltas."""

import pytest

from edgekit.agent.decoder_cost import cost
from tests.packages.images import base, retrained


@pytest.mark.parametrize("cpu", ["cortex-m4", "cortex-m0plus"])
def test_the_decoder_fits_a_kilobyte_of_code_and_one_of_memory(cpu):
    found = cost(retrained(0.05), base(), cpu)
    assert 500 < found.code.value <= 1024
    assert 600 < found.ram.value <= 1024
