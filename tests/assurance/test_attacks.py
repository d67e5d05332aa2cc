"""Every attack of the table reaches the rule that it is for, and one more is one more record."""

from dataclasses import replace

import pytest

from edgekit.agent.attempt import Attempt
from edgekit.agent.host_device import HostDevice
from edgekit.assurance import ATTACKS, attack
from edgekit.assurance.attack_record import Attack
from edgekit.assurance.attacks import aimed_at
from edgekit.assurance.attacks_package import IMAGE
from edgekit.assurance.package_target import PackageTarget, check_in_python
from edgekit.packages.manifest import RULES
from edgekit.packages.package import sign_package
from edgekit.testing.attack import lacks
from tests.updates_fixtures import release_of

KEK = bytes(range(16))


@pytest.fixture(scope="module")
def targets(releases, signer, es256):
    """Packages of each kind, and the devices that take them: new, in the field, one that reads secrets."""
    old, new = releases
    secret = [release_of(r.tflite, encryption="A128KW") for r in releases]
    made = (
        (old.unsigned(1), old.device(), b"", signer),
        (new.unsigned(2, old), old.device(sequence=1, base=old.image), old.image, es256),
        (
            secret[1].unsigned(2, secret[0], recipients=(KEK,)),
            secret[0].device(sequence=1, base=old.image, kek=KEK), old.image, signer,
        ),
    )  # fmt: skip
    return [
        PackageTarget(Attempt(sign_package(data, key), device, (key.public,), base=base), key)
        for data, device, base, key in made
    ]


@pytest.mark.parametrize("name", [a.name for a in aimed_at("package")])
def test_it_reaches_the_rule_that_it_is_for(targets, name):
    assert lacks(ATTACKS[name], targets) == []


def test_every_rule_is_attacked():
    """But for those that a package of ours cannot break without breaking another."""
    attacked = {rule for a in aimed_at("package") for rule in a.rules} - {IMAGE}
    assert set(RULES[1:]) - attacked == {"long", "kind", "payload size"}
    assert len({a.name for a in ATTACKS.values()}) == len(ATTACKS) >= 60


def test_one_more_attack_is_one_more_record(targets, releases, signer, monkeypatch):
    """A payload that is longer than its image: the contract holds, and the table has a row for it."""

    def inflated(target):
        longer = target.payload + bytes(target.manifest.size)
        if not target.manifest.is_image:
            yield target.signed(longer, payload_size=len(longer))

    record = Attack("payload larger than the image", "package", inflated, ("payload size",))
    old, _ = releases
    host = HostDevice(old, [signer.public], old.device())
    on_device = replace(targets[0], answer=host.answer)
    assert lacks(record, [*targets, on_device]) == []
    monkeypatch.setitem(ATTACKS, record.name, record)
    start = targets[1].start
    table = attack(start.data, targets[1].signer, start.device, start.base, every=500)
    row = table.set_index("attack").loc[record.name]
    assert (row.tries, row.refused) == (1, True)


@pytest.mark.parametrize(
    ("tries", "rules", "says"),
    [
        (lambda t: [t.start], ("abi",), "is taken"),
        (lambda t: [t.signed(abi=b"\xff" * 4, vendor=bytes(16))], ("abi",), "by the rule 'vendor'"),
        (lambda t: [t.signed(abi=b"\xff" * 4)], ("abi", "io"), "nothing is refused by io"),
        (lambda t: [], ("abi",), "no attempt"),
        (lambda t: [t.signed(abi=b"\xff" * 4)], ("abx",), "the rules"),
    ],
)
def test_the_contract_notices_an_attack_that_proves_nothing(targets, tries, rules, says):
    found = lacks(Attack("x", "package", tries, rules), targets[:2])
    assert any(says in what for what in found), found


def test_the_answer_of_a_device_with_a_hole_is_seen(targets):
    """A device that does not compare the generated code's hash."""

    def answer(attempt):
        return "" if "another firmware" in (why := check_in_python(attempt)) else why

    hole = replace(targets[0], answer=answer)
    assert lacks(ATTACKS["made for other firmware"], [hole]) == [
        "is_refused_by_who_answers: an attempt got in"
    ]
