"""Keys that change on the emulated device, and who must not change them."""

import pytest

from edgekit.agent.device_firmware import firmware
from edgekit.agent.simulator import DeviceSimulator
from edgekit.assurance import attack_keyset
from edgekit.assurance.keyset_target import NOW, generate_keys
from edgekit.core.errors import EdgekitError
from edgekit.packages import statement, status
from edgekit.packages.keyset import signed
from edgekit.packages.package import sign_package


@pytest.fixture(scope="module")
def keys(releases, signer):
    return generate_keys(releases[0].device().vendor, signer)


@pytest.fixture(scope="module")
def app(releases, keys):
    return firmware(releases[0], keys.first)


@pytest.fixture
def core(app, releases):
    return DeviceSimulator(app, releases[0].device())


def test_a_stolen_key_is_replaced_without_new_firmware(core, releases, keys):
    a, b, c = keys.roots
    first, second = releases[0].unsigned(1), releases[1].unsigned(2)
    assert core.install(sign_package(first, keys.signer)) == ""
    assert core.reset().healthy
    new = keys.first.changed(
        roots=(a.public, c.public, keys.successor.public),
        signers=(keys.signer.public, keys.successor.public),
        revoked=(keys.signer.public.id,),
    )
    assert core.take_keys(signed(new, a, c), NOW) == ""
    for _ in range(2):
        assert "revoked" in core.install(sign_package(second, keys.signer))
        core.restart()
    assert core.install(sign_package(second, keys.successor)) == ""
    assert core.reset().healthy
    assert core.sequence == 2
    assert "fewer of the present" in core.take_keys(signed(new.changed(), a, b))
    # by its own list, the successor is a root now, too
    assert core.take_keys(signed(new.changed(), a, keys.successor)) == ""
    said = status.decode_unverified(core.report())
    assert (said.keys, said.running, said.verdict, said.device) == (2, 2, 1, core.device.device)
    assert core.freshness() == "frozen"
    heard = statement.sign_statement(
        statement.Statement(core.device.model, 2, NOW, NOW + 9), keys.successor
    )
    assert core.take_statement(heard, NOW) == "current"
    core.restart()
    assert core.freshness(NOW) == "current"


def test_no_attack_on_trust_gets_in(core, releases, keys):
    data, flash = sign_package(releases[0].unsigned(1), keys.signer), core.flash
    table = attack_keyset(core, keys, data, every=97)
    assert table.refused.all(), table[~table.refused]
    assert len(table) == 25
    assert core.flash == flash
    with pytest.raises(EdgekitError, match="nothing is proved"):
        attack_keyset(core, keys, data[:-1], every=1000)
    assert core.flash == flash
