"""Hostile updates are refused by the device's C as by Python; a decoder without its checks is found out."""

import pytest

from edgekit.assurance import fuzz_delta
from edgekit.firmware import c_sources


def test_hostile_updates_are_refused_and_both_decoders_agree():
    table = fuzz_delta.fuzz(5000, seed=1, compared=4)
    assert table["inputs"].sum() == 5000
    assert not table.attrs["finds"]
    assert not table["crashes"].sum()
    assert not table["unlike"].sum()
    # no way to go wrong was left out
    assert (table[["complete", "damaged", "more", "trailing"]].sum() > 50).all()


MUTANTS = {
    "reads beyond the base": ("d->count << wide > d->base_size - from", "0"),
    "counts beyond the image": ("d->count <= d->left >> wide", "1"),
    "takes any kind": ("v < KINDS ?", "1 ?"),
    "takes trailing bytes": ("== DELTA_COMPLETE && n", "== DELTA_COMPLETE && 0"),
    "learns at another rate": ("d->seen[c] < 127", "d->seen[c] < 255"),
    "takes a count of nothing": ("d->count && d->count <=", "d->count <="),
}


@pytest.mark.parametrize("mutant", MUTANTS)
def test_a_decoder_without_one_of_its_checks_is_found(mutant):
    files, (old, new) = c_sources("delta"), MUTANTS[mutant]
    assert files["delta.c"].count(old) == 1
    files["delta.c"] = files["delta.c"].replace(old, new)
    table = fuzz_delta.fuzz(2500, compared=4, program=fuzz_delta.driver(files)[0])
    assert table["crashes"].sum() or table["unlike"].sum()
