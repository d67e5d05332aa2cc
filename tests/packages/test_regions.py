"""What an image is made of: the tensors of its model, and what lies between them."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edgekit.core.errors import EdgekitError
from edgekit.export import read
from edgekit.packages.delta import encode
from edgekit.packages.regions import Region, regions
from tests.export import tiny
from tests.packages.images import REAL, SHARED, SIZES, base


@pytest.mark.parametrize("model", [*tiny.OPERATORS, *REAL, "network"])
def test_regions_are_the_tensors_and_cover_the_file(model):
    if model in REAL and not SHARED.is_dir():
        pytest.skip("the shared models are not here")
    data = base() if model == "network" else None
    data = data or ((SHARED / f"{model}.tflite").read_bytes() if model in REAL else None)
    data = data or tiny.OPERATORS[model](np.random.default_rng(3))
    found = regions(data)
    assert [r.offset for r in found] == [0, *(r.end for r in found[:-1])]
    assert found[-1].end == len(data)
    held = [(r.kind, data[r.offset : r.end]) for r in found]
    for t in read(data).tensors:
        if t.data is not None and t.dtype in (np.int8, np.int32):
            assert (str(t.dtype), t.data.tobytes()) in held
    if model == "network":
        rows = [r.row for r in found if r.kind == "int8"]
        assert sorted(rows) == sorted(SIZES[:-1])


@settings(max_examples=150, deadline=None)
@given(st.integers(0, 2**32))
def test_a_hostile_file_is_refused_in_one_line_or_has_regions(seed):
    rng = np.random.default_rng(seed)
    data, message = tiny.mutated(base(), rng), ""
    try:
        found = regions(data)
    except EdgekitError as error:
        found, message = [Region(0, "bytes", len(data))], str(error)
    assert "\n" not in message
    assert [r.offset for r in found] == [0, *(r.end for r in found[:-1])]
    assert found[-1].end == len(data)


@pytest.mark.parametrize(
    "layout",
    [
        [Region(0, "int8", 9)],
        [Region(0, "int8", 4), Region(3, "int8", 4)],
        [Region(0, "int16", 4)],
        [Region(-1, "bytes", 4)],
        [Region(0, "int32", 2, 0)],
    ],
)
def test_regions_that_are_not_of_the_image_are_refused(layout):
    with pytest.raises(EdgekitError):
        encode(bytes(8), None, layout)
