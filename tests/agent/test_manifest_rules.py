"""Whether a package is for this device, now: the C and Python refuse it by the same rule."""

import random
import re
from dataclasses import replace
from importlib import resources

import pytest

from edgekit.agent import native
from edgekit.packages import package
from edgekit.packages.manifest import RULES as ASKED
from edgekit.packages.manifest import PackageError
from tests.agent.manifests import DEVICE, FULL, PAYLOAD, TRUSTED, package_of

RULES = [  # in the order of the device: what breaks the rule, what it says
    ({"vendor": b"w" * 16}, "vendor"),
    ({"model": b"n" * 16}, "class"),
    ({"device": b"e" * 16}, "another device"),
    ({"sequence": 69_999}, "not newer"),
    ({"sequence": 71_000}, "too far ahead"),
    ({"expires": 500}, "expired"),
    ({"kind": 0}, "another kind"),
    ({"size": 9001}, "larger than a slot"),
    ({"size": 23}, "payload is larger"),
    ({"base": b"basebasf"}, "delta from another image"),
    ({"arena": 301}, "arena"),
    ({"operators": (0, 3, 26)}, "operator"),
    ({"io": b"oioi"}, "inputs and outputs"),
    ({"abi": b"abib"}, "generation"),
    ({"features": b"feau"}, "features"),
]


def refusal(m, device=DEVICE, now=500) -> str:
    """Why the C refuses it, for which Python has the same reason; "" if both take it."""
    found = []
    for judge in (native.check, package.verify):
        try:
            judge(package_of(m), TRUSTED, device, now=now)
            found.append(("", ""))
        except PackageError as err:
            found.append((err.rule, str(err)))
    assert found[0][0] == found[1][0]
    return found[0][1]


@pytest.mark.parametrize(("broken", "says"), RULES, ids=[says for _, says in RULES])
def test_each_rule_has_its_own_reason(broken, says):
    assert refusal(FULL) == ""
    assert says in refusal(replace(FULL, **broken))


def test_the_first_broken_rule_is_the_one_that_is_told():
    for i, (_, says) in enumerate(RULES):
        broken = {}
        for change, _ in reversed(RULES[i:]):
            broken |= change
        assert says in refusal(replace(FULL, **broken))


def test_a_rule_has_one_number_in_c_and_in_python():
    header = (resources.files("edgekit.firmware") / "agent" / "manifest.h").read_text()
    names = re.findall(r"^  MANIFEST_(\w+),", header, re.MULTILINE)
    assert names[0] == "OK"
    assert [n.lower().replace("_", " ") for n in names[1:]] == list(ASKED[1:])


def test_limits_are_exact():
    assert refusal(replace(FULL, sequence=70_999)) == ""
    assert refusal(replace(FULL, expires=501)) == ""
    assert refusal(replace(FULL, expires=500), now=0) == ""  # no clock, no expiry
    assert refusal(replace(FULL, size=len(PAYLOAD))) == ""
    assert "not newer" in refusal(FULL, replace(DEVICE, sequence=1, counter=70_000))
    assert "delta" in refusal(FULL, replace(DEVICE, base=b""))
    assert refusal(replace(FULL, device=b"")) == ""
    assert refusal(replace(FULL, operators=())) == ""
    top = replace(DEVICE, sequence=2**32 - 1)
    assert "not newer" in refusal(replace(FULL, sequence=5), top)


def test_a_time_stamp_may_leap_as_far_as_the_clock():
    stamp = 1_800_000_000
    assert refusal(replace(FULL, sequence=stamp), now=stamp - 86_400) == ""
    assert refusal(replace(FULL, sequence=package.TIMESTAMPS_FROM), now=stamp) == ""
    for sequence, now in (
        (stamp, stamp - 86_401),
        (stamp, 0),
        (package.TIMESTAMPS_FROM - 1, stamp),
    ):
        assert "too far ahead" in refusal(replace(FULL, sequence=sequence), now=now)


def test_python_and_c_keep_the_same_rules():
    draw, kept = random.Random(3), 0
    for _ in range(600):
        few = {
            "sequence": draw.choice([69_999, 70_000, 70_999, 71_000, 2**32 - 1]),
            "expires": draw.choice([0, 499, 500, 501]),
            "size": draw.choice([23, 24, 9000, 9001]),
            "arena": draw.choice([0, 300, 301]),
            "operators": draw.choice([(), (0,), (9, 114), (0, 1)]),
            "device": draw.choice([b"", b"d" * 16, b"e" * 16]),
            "kind": draw.choice([1, 1, 0]),
            "features": draw.choice([b"feat", b"feat", b"feau"]),
        }
        m = replace(FULL, **dict(draw.sample(sorted(few.items()), 2)))
        device = replace(
            DEVICE, counter=draw.choice([0, 69_999, 70_500]), base=draw.choice([b"", DEVICE.base])
        )
        now = draw.choice([0, 500])
        kept += refusal(m, device, now) == ""
    assert 50 < kept < 300
