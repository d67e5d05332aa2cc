"""Every attack of the table reaches the rule that it is for, and one more is one more record."""

from dataclasses import replace

import pytest

from edgekit.agent.attempt import Attempt
from edgekit.agent.host_device import HostDevice
from edgekit.assurance import ATTACKS, attack
from edgekit.assurance.attack_record import Attack
from edgekit.assurance.attacks import aimed_at
from edgekit.assurance.attacks_package import IMAGE
from edgekit.assurance.attacks_transfer import TransferTarget
from edgekit.assurance.keyset_target import generate_keys, states
from edgekit.assurance.package_target import PackageTarget, check_in_python
from edgekit.packages.manifest import RULES
from edgekit.packages.package import sign_package
from edgekit.testing.attack import FAMILIES, lacks
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


@pytest.fixture(scope="module")
def guarded(releases, signer):
    """Devices with root keys: one that was made today, and one after a rotation of roots."""
    old, _ = releases
    keys = generate_keys(old.device().vendor, signer)
    data = sign_package(old.unsigned(1), signer)
    cores = [HostDevice(old, keys.first, old.device()) for _ in range(2)]
    new, field = (states(core, keys, data, every=5) for core in cores)
    return [next(new), list(field)[-1]]


@pytest.fixture(scope="module")
def reachable(releases, signer, tmp_path_factory):
    """A device that fetches its packages itself."""
    old, _ = releases
    core = HostDevice(old, [signer.public], old.device())
    data = sign_package(old.unsigned(1), signer)
    return [TransferTarget(core, data, tmp_path_factory.mktemp("way"))]


@pytest.mark.parametrize("name", [a.name for a in aimed_at("package")])
def test_it_reaches_the_rule_that_it_is_for(targets, name):
    assert lacks(ATTACKS[name], targets) == []


@pytest.mark.parametrize("name", [a.name for a in aimed_at("keys")])
def test_on_keys_it_reaches_the_rule_that_it_is_for(guarded, name):
    assert lacks(ATTACKS[name], guarded) == []


@pytest.mark.parametrize("name", [a.name for a in aimed_at("way")])
def test_on_the_way_it_reaches_the_rule_that_it_is_for(reachable, name):
    assert lacks(ATTACKS[name], reachable) == []


def test_every_attack_is_of_a_family_that_has_a_suite():
    assert {a.on for a in ATTACKS.values()} == set(FAMILIES)


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


TOO_FEW = ATTACKS["key rotation signed by too few"]


def good_lists(target):
    """The control of every list."""
    return target.control()


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"tries": good_lists}, "an attempt got in"),
        ({"control": TOO_FEW.tries}, "what is honest is refused without any attack"),
        ({"control": lambda t: []}, "nothing honest is tried"),
        ({"rules": ("keys of another vendor",)}, "not by keys of another vendor"),
        ({"rules": ()}, "what refuses it?"),
        ({"name": " "}, "the name"),
        ({"on": "package"}, "asked of a KeysetTarget"),
    ],
)
def test_the_contract_notices_an_attack_on_keys_that_proves_nothing(guarded, changes, says):
    found = lacks(replace(TOO_FEW, **changes), guarded[:1])
    assert any(says in what for what in found), found


def test_the_contract_notices_a_device_that_is_not_what_it_was(guarded):
    """Its keys are changed while the attack is prepared: what is honest is old by then."""

    def careless(target):
        for take in target.control():
            take()  # the first time it is newer than what there is
        yield from TOO_FEW.tries(target)

    target = guarded[0]
    found = lacks(replace(TOO_FEW, tries=careless), [target])
    target.core.restore_flash(target.start)
    assert "is_refused_by_who_answers: the target is not what it was" in found
    assert any("refused afterwards" in what for what in found)


class Nameless(TransferTarget):
    """Asks for a file by its name alone."""

    def fetched(self, url: str, known: bool = True) -> str:
        return super().fetched(url, known=False)


def test_a_download_that_is_refused_for_something_else_proves_nothing(reachable):
    """Without a length or a known SHA-256, data are refused before it is seen that they do not end."""
    device = reachable[0]
    found = lacks(ATTACKS["endless data"], [Nameless(device.core, device.package, device.folder)])
    assert any("honest is refused" in what for what in found), found
    assert any("not by does not end" in what for what in found), found
