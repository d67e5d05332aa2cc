"""A device takes only what was signed for it, byte for byte."""

import uuid
from dataclasses import replace

import pytest

from edgekit.assurance import attacks
from edgekit.core.errors import EdgekitError
from edgekit.packages import package
from edgekit.packages.manifest import ENCODINGS, PackageError
from edgekit.packages.package import Device, manifest_of, sign_package, verify
from tests.updates_fixtures import release_of, retrained, strangers


@pytest.fixture(scope="module")
def update(releases, signer):
    """(package with a delta, the device that it is for, the image in its slot)."""
    old, new = releases
    data = sign_package(new.unsigned(2, old), signer)
    assert ENCODINGS[manifest_of(data).encoding] == "delta"
    return data, old.device(sequence=1, base=old.image), old.image


def test_what_was_built_is_what_lies_in_the_slot(releases, es256, signer):
    old, new = releases
    for key in (es256, signer):
        for kind in ("weights", "tflite"):
            for base in (None, old):
                data = sign_package(new.unsigned(2, base, kind), key)
                running = base.content(kind) if base else b""
                device = new.device(kind, 1, running)
                taken = verify(data, [key.public], device)
                assert taken.image(running) == new.content(kind)
                assert taken.overhead <= (340 if taken.manifest.encoding else 300)
                assert verify(data, [key.public]) == taken


def test_a_retrained_model_travels_in_a_fraction_and_the_same_one_in_a_few_bytes(releases):
    old, new = releases
    for kind in ("weights", "tflite"):
        full, delta = (manifest_of(new.unsigned(2, base, kind)) for base in (None, old))
        assert delta.payload_size < 0.5 * full.payload_size
        assert manifest_of(old.unsigned(2, old, kind)).payload_size <= 12


def test_a_model_of_another_structure_is_no_update(releases):
    import numpy as np

    from tests.emulate.bearings import network

    other = release_of(network(np.ones((4, 40)), np.zeros(4), 0.1, -128))
    with pytest.raises(EdgekitError, match="program has to change"):
        other.unsigned(2, releases[0])


def test_every_attack_is_refused(update, signer):
    data, device, base = update
    table = attacks.attack(data, signer, device, base)
    assert table.refused.all(), table[~table.refused]
    assert len(table) >= 22
    assert not table.answer.str.contains("\n").any()


def test_the_table_would_show_an_attack_that_gets_in(update, signer, monkeypatch):
    """Mutations: without a check, its attack succeeds, and only then."""
    data, device, base = update
    holes = {
        "rollback: older, or the same again": "sequence",
        "made for other firmware": "abi",
        "for another vendor": "vendor",
    }
    for name, field in holes.items():

        def blind(m, device, now=0, field=field):
            keep = {field: getattr(device, field) + (1 if field == "sequence" else b"")}
            return package.check.real(replace(m, **keep), device, now)

        blind.real = package.check
        with monkeypatch.context() as patch:
            patch.setattr(package, "check", blind)
            patch.setattr(package.check, "real", blind.real, raising=False)
            table = attacks.attack(data, signer, device, base, every=50).set_index("attack")
        assert not table.refused[name], name


@pytest.mark.parametrize("rule", strangers())
def test_what_is_compared_are_the_models_not_only_the_fields(signer, rule):
    """A package of a model that the firmware cannot run, built as every package is, and not by its bytes."""
    own, other = (replace(r, model="same class") for r in strangers()[rule])
    known = own.device()
    verify(sign_package(own.unsigned(1), signer), [signer.public], known)
    with pytest.raises(PackageError) as refusal:
        verify(sign_package(other.unsigned(1), signer), [signer.public], known)
    assert refusal.value.rule == rule
    verify(sign_package(other.unsigned(1), signer), [signer.public], other.device())
    with pytest.raises(EdgekitError, match="program has to change"):
        other.unsigned(2, own)


def test_the_same_program_runs_a_retrained_model(releases):
    old, new = releases
    assert old.requirements == new.requirements
    assert old.image != new.image


def test_an_attack_on_a_package_that_is_not_taken_proves_nothing(update, signer):
    data, device, base = update
    with pytest.raises(EdgekitError, match="without any attack"):
        attacks.attack(data, signer, replace(device, sequence=9), base)


def test_without_a_clock_nothing_expires(releases, signer):
    old, new = releases
    data = sign_package(new.unsigned(2, expires=1_000), signer)
    device = old.device(sequence=1)
    verify(data, [signer.public], device, now=999)
    verify(data, [signer.public], device, now=0)
    with pytest.raises(PackageError, match="expired"):
        verify(data, [signer.public], device, now=1_000)


def test_a_package_for_one_device_is_for_no_other(releases, signer):
    old, new = releases
    device = old.device(sequence=1)
    data = sign_package(new.unsigned(2, device=device.device), signer)
    assert verify(data, [signer.public], device).manifest.device == device.device
    with pytest.raises(PackageError, match="another device"):
        verify(data, [signer.public], replace(device, device=bytes(16)))


def test_a_delta_needs_its_base(update, releases, signer):
    data, device, _ = update
    taken = verify(data, [signer.public], device)
    other = release_of(retrained(releases[0].tflite, seed=5)).image
    with pytest.raises(PackageError, match="another image"):
        taken.image(other)
    with pytest.raises(PackageError, match="another image"):
        verify(data, [signer.public], replace(device, base=package.digest(other)))


def test_signing_can_happen_elsewhere(releases, signer, es256):
    data = releases[1].unsigned(2)
    with pytest.raises(PackageError):
        verify(data, [signer.public])
    first = sign_package(data, signer)
    assert verify(sign_package(first, es256), [es256.public]).manifest == manifest_of(data)


def test_devices_are_told_apart_by_vendor_class_and_name(releases):
    old = releases[0]
    others = [
        old, replace(old, name="wrist"), replace(old, board="nrf52840"),
        replace(old, model="bearing/nrf5340/2"), replace(old, vendor="example.org"),
    ]  # fmt: skip
    devices = [r.device(name=name) for r in others for name in ("a", "b")]
    assert len({d.device for d in devices}) == 2 * len(others)
    assert len({(d.vendor, d.model) for d in devices}) == len(others)
    assert len({d.model for d in devices}) == len(others)
    assert isinstance(devices[0], Device)


def test_a_package_of_one_site_is_no_update_of_another(releases, signer):
    """Same model, board and key; another vendor, or another class."""
    old, new = releases
    data = sign_package(new.unsigned(2, old), signer)
    device = old.device(sequence=1, base=old.image)
    assert verify(data, [signer.public], device)
    for change, rule in (({"vendor": "example.org"}, "vendor"), ({"model": "hall 2"}, "model")):
        theirs = replace(old, **change).device(sequence=1, base=old.image)
        with pytest.raises(PackageError) as refusal:
            verify(data, [signer.public], theirs)
        assert refusal.value.rule == rule


def test_ids_are_those_that_the_draft_recommends():
    """UUIDs of version 5: of the domain name, and of names under it."""
    vendor = uuid.uuid5(uuid.NAMESPACE_DNS, "example.com")
    model = uuid.uuid5(vendor, "bearing/nrf5340")
    assert package.vendor_id("Example.COM") == vendor.bytes
    assert package.model_id("example.com", "bearing/nrf5340") == model.bytes
    device = uuid.uuid5(model, "device 1").bytes
    assert package.device_id("example.com", "bearing/nrf5340", "device 1") == device


@pytest.mark.parametrize(
    "domain", ["", "example", "a b.com", "example.com\n", "-a.com", "10.0.0.1", "ä.com", "a..b"]
)
def test_a_vendor_is_a_domain_name(domain):
    with pytest.raises(EdgekitError, match="domain name"):
        package.vendor_id(domain)


@pytest.mark.parametrize("name", ["", " hall", "hall\n2", "x" * 101, "\u202ehall"])
def test_a_class_and_a_device_have_names_that_people_can_tell_apart(name):
    with pytest.raises(EdgekitError, match="class of devices has"):
        package.model_id("example.com", name)
    with pytest.raises(EdgekitError, match="device has"):
        package.device_id("example.com", "hall", name)
