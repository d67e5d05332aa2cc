"""Keys that change: who may change them, what a device keeps, and that Python and the device's C agree."""

import itertools
from contextlib import nullcontext

import pytest

from edgekit.assurance import fuzz_keyset, powercut_keyset
from edgekit.assurance.fuzz_keyset import MODEL, VENDOR, sample_signers
from edgekit.assurance.keyset_device import KeysetDevice, PowerCut
from edgekit.core.errors import EdgekitError
from edgekit.packages import keyset, statement
from edgekit.packages.cbor import encode
from edgekit.packages.flash_layout import UNIT
from edgekit.packages.keyset import KeyList
from edgekit.packages.manifest import PackageError
from tests.updates_fixtures import WORN

A, B, C, SIGNER, E, OTHER = sample_signers()[:6]  # the last two are P-256's
NOW = 1_700_000_000


def listed(**what) -> KeyList:
    """Version 0: two of three roots must sign; one signer."""
    known = {
        "version": 0,
        "threshold": 2,
        "roots": (A.public, B.public, E.public),
        "signers": (SIGNER.public,),
    }
    return KeyList(VENDOR, **known | what)


def signed(keys: KeyList, *by) -> bytes:
    data = keyset.unsigned(keys)
    for signer in by:
        data = keyset.cosign(data, signer)
    return data


def answers(data: bytes, old: KeyList, now: int = 0) -> str:
    """The one answer of Python and of the device's C, "" for taken."""
    host, here = fuzz_keyset.agree(
        fuzz_keyset.Case(data, old, now, ("EdDSA", "ES256")), KeysetDevice(old)
    )
    assert host == here
    return here


def believes(device: KeysetDevice, signer) -> bool:
    return device.believes(signer.public.algorithm, b"m", signer.sign(b"m"))


def test_a_stolen_key_is_revoked_and_life_goes_on():
    device = KeysetDevice(listed())
    assert believes(device, SIGNER)
    new = listed().changed(signers=(OTHER.public,), revoked=(SIGNER.public.id,))
    device.take_keys(signed(new, A, E))
    for _ in range(2):
        assert (device.version, believes(device, SIGNER), believes(device, OTHER)) == (
            1,
            False,
            True,
        )
        device.start()


def test_roots_change_by_the_old_and_the_new():
    old = listed(threshold=1, roots=(A.public,))
    new = old.changed(threshold=2, roots=(B.public, C.public))
    for some in itertools.chain.from_iterable(
        itertools.combinations((A, B, C), n) for n in range(4)
    ):
        enough = set(some) == {A, B, C}
        why = "" if enough else "present root keys" if A not in some else "its own root keys"
        said = answers(signed(new, *some), old)
        assert why in said
        assert bool(said) != enough
    device = KeysetDevice(old)
    device.take_keys(signed(new, C, B, A))
    after = new.changed()
    with pytest.raises(PackageError, match="present root keys"):
        device.take_keys(signed(after, A, B))
    device.take_keys(signed(after, B, C))
    assert device.version == 2


@pytest.mark.parametrize(
    ("new", "by", "why"),
    [
        (listed(version=1), (A, A), "fewer of the present"),
        (listed(version=1), (A, C, SIGNER), "fewer of the present"),
        (listed(version=0), (A, B), "not newer"),
        (listed(version=1001), (A, B), "too far ahead"),
        (listed(version=1, expires=NOW), (A, B), "expired"),
        (listed(version=1, revoked=(B.public.id,)), (A, B), "fewer of its own"),
        (listed(version=1, revoked=(B.public.id,)), (A, E), ""),
        (listed(version=1, threshold=3), (A, B), "fewer of its own"),
        (listed(version=1, signers=()), (A, B), ""),
        (listed(version=1000, expires=NOW + 1), (A, B, C), ""),
    ],
)
def test_each_rule(new, by, why):
    answer = answers(signed(new, *by), listed(), NOW)
    assert why in answer if why else not answer


def test_a_revoked_root_does_not_count():
    old = listed(revoked=(B.public.id,))
    new = old.changed(roots=(A.public, E.public, C.public), revoked=())
    assert "fewer of the present" in answers(signed(new, A, B), old)
    assert answers(signed(new, A, E), old) == ""


def test_another_vendors_keys_are_refused():
    new = KeyList(b"w" * 16, 1, 2, listed().roots, listed().signers)
    assert answers(signed(new, A, B), listed()) == "keys of another vendor"
    for i in range(16):
        vendor = VENDOR[:i] + bytes([VENDOR[i] ^ 1]) + VENDOR[i + 1 :]
        new = KeyList(vendor, 1, 2, listed().roots, listed().signers)
        assert answers(signed(new, A, B), listed()) == "keys of another vendor"


def test_every_byte_of_the_signed_digest_counts():
    """Good signatures over what is nearly the list's digest."""
    body = keyset.unsigned(listed().changed())
    right = keyset.digest(keyset._opened(body)[0])
    name = encode(-19)
    for i in (0, 8, 16, 31):
        nearly = right[:i] + bytes([right[i] ^ 1]) + right[i + 1 :]
        made = keyset._made(
            keyset._opened(body)[0],
            {
                bytes.fromhex(s.public.id): (name, s.sign(keyset.to_sign(name, nearly)))
                for s in (A, B)
            },
        )
        assert made.count(right) == 1
        assert answers(made.replace(right, nearly), listed()) == keyset.REASONS["digest"]


def test_a_flash_that_holds_nothing_is_told():
    """Worn out: it takes every write without a complaint."""
    device = KeysetDevice(listed())
    cells = len(device.flash) * UNIT // (UNIT + 1)
    device.flash = device.flash[:cells] + bytes([WORN]) * (cells // UNIT)
    with pytest.raises(PackageError, match="the flash failed"):
        device.take_keys(signed(listed().changed(signers=(OTHER.public,)), A, B))


def test_every_byte_of_a_statements_class_counts():
    device = KeysetDevice(listed(), model=MODEL)
    for i in range(16):
        other = MODEL[:i] + bytes([MODEL[i] ^ 1]) + MODEL[i + 1 :]
        said = statement.sign_statement(statement.Statement(other, 1, NOW, NOW + 9), SIGNER)
        with pytest.raises(PackageError, match="class"):
            device.take_statement(said, 1, NOW)


def test_a_key_whose_code_is_not_there_signs_nothing():
    device = KeysetDevice(
        listed(signers=(SIGNER.public, OTHER.public)), model=MODEL, algorithms=("EdDSA",)
    )
    for signer, good in ((SIGNER, True), (OTHER, False)):
        said = statement.sign_statement(statement.Statement(MODEL, 1, NOW, NOW + 9), signer)
        with nullcontext() if good else pytest.raises(PackageError):
            assert device.take_statement(said, 1, NOW) == "current"


def test_every_flipped_bit_and_every_cut_is_refused():
    data, device = signed(listed().changed(), A, E), KeysetDevice(listed())
    for i in range(len(data)):
        for bad in (data[:i], data[:i] + bytes([data[i] ^ 1 << i % 8]) + data[i + 1 :]):
            with pytest.raises(PackageError):
                keyset.accept(bad, listed())
            with pytest.raises(PackageError):
                device.take_keys(bad)
    with pytest.raises(PackageError, match="longer than"):
        device.take_keys(data + bytes(keyset.BYTES))
    assert device.version == 0
    device.take_keys(data, piece=1)
    assert device.version == 1


def test_a_signature_for_something_else_does_not_count():
    """The same digest, signed as a package's would be."""
    from edgekit.packages.cbor import encode
    from edgekit.packages.manifest import SHA256
    from edgekit.packages.suit import to_sign

    new = listed().changed()
    body = new.encoded
    header = keyset.HEADER + encode(-19)
    message = to_sign(header, encode([SHA256, keyset.digest(body)]))
    stolen = {bytes.fromhex(s.public.id): (encode(-19), s.sign(message)) for s in (A, B)}
    assert "not by the root key" in answers(keyset._made(body, stolen), listed())


def test_python_and_c_agree_on_hostile_key_manifests():
    counted, unlike = fuzz_keyset.compare_keysets(700, seed=3)
    assert not unlike
    assert set(counted) == {"", *keyset.REASONS.values()}
    assert counted[""] > 30


def test_python_and_c_agree_on_hostile_statements():
    counted, unlike = fuzz_keyset.compare_statements(400, seed=5)
    assert not unlike
    assert set(counted) >= {"current", "behind", "frozen", *statement.REASONS.values()} - {
        statement.REASONS["algorithm"]
    }


def test_a_power_cut_leaves_the_old_keys_or_the_new():
    found = powercut_keyset.cuts()
    assert found.pop("lives") > 1000
    assert not any(found.values()), found


def test_the_search_notices_mistakes():
    """A few of them: `powercut_keyset.mutations()` has them all."""
    names = ("new threshold not asked", "the sector in use is erased")
    found = powercut_keyset.mutations(names, 150)
    assert found.caught.all(), found


def test_flash_of_another_device_is_not_believed():
    old = listed()
    device = KeysetDevice(old, secret=b"1" * 32)
    device.take_keys(signed(old.changed(signers=(OTHER.public,)), A, B))
    flash = device.flash
    other = KeysetDevice(old, secret=b"2" * 32)
    other.flash = flash
    other.start()
    assert (other.version, believes(other, OTHER)) == (0, False)


def test_newer_firmware_may_bring_newer_keys():
    device = KeysetDevice(listed())
    device.take_keys(signed(listed().changed(), A, B))
    kept = device.flash
    for version, counts in ((0, SIGNER), (1, OTHER), (5, OTHER)):  # compiled in; 1 is kept
        device.reflash(listed(version=version, signers=(OTHER.public,)))
        device.flash = kept
        device.start()
        assert believes(device, counts)
        device.report()  # writes a record of what counts
        device.start()
        assert (device.version, believes(device, counts)) == (max(version, 1), True)


def test_a_freeze_is_noticed():
    device = KeysetDevice(listed(), model=MODEL)
    assert device.freshness(1, NOW) == "frozen"  # it never heard anything
    said = statement.sign_statement(statement.Statement(MODEL, 2, NOW, NOW + 100), SIGNER)
    assert device.take_statement(said, 2, NOW) == "current"
    assert device.take_statement(said, 1, NOW + 100) == "behind"
    assert device.take_statement(said, 2, NOW + 101) == "frozen"
    later = statement.sign_statement(statement.Statement(MODEL, 3, NOW + 90, NOW + 300), SIGNER)
    assert device.take_statement(later, 2, NOW + 101) == "behind"
    device.start()
    with pytest.raises(PackageError, match="older than"):
        device.take_statement(said, 2, NOW)
    assert device.freshness(3, NOW + 101) == "current"


def test_what_a_stolen_key_said_is_forgotten_with_it():
    """Else one statement of a release that will never come would lock out all others."""
    device = KeysetDevice(listed(), model=MODEL)
    device.take_statement(
        statement.sign_statement(statement.Statement(MODEL, 2**32 - 1, NOW, 2**32 - 1), SIGNER),
        1,
        NOW,
    )
    device.take_keys(signed(listed().changed(signers=(OTHER.public,)), A, B))
    assert device.freshness(1, NOW) == "frozen"
    said = statement.sign_statement(statement.Statement(MODEL, 1, NOW - 50, NOW + 100), OTHER)
    assert device.take_statement(said, 1, NOW) == "current"


def test_new_roots_alone_forget_no_statement():
    device = KeysetDevice(listed(), model=MODEL)
    device.take_statement(
        statement.sign_statement(statement.Statement(MODEL, 1, NOW, NOW + 9), SIGNER), 1, NOW
    )
    device.take_keys(signed(listed().changed(roots=(A.public, B.public, C.public)), A, B))
    assert device.freshness(1, NOW) == "current"


def test_a_part_that_fails_during_a_rotation_keeps_the_old_keys():
    device = KeysetDevice(listed())
    device.cut(20, 0)
    with pytest.raises(PowerCut):
        device.take_keys(signed(listed().changed(), A, B))
    device.start()
    assert device.version == 0


@pytest.mark.parametrize(
    ("what", "why"),
    [
        ({"threshold": 0}, "between 1 and 8"),
        ({"roots": (*(p.public for p in sample_signers()[:8]), A.public)}, ""),
        ({"revoked": ("12",)}, "16 hex digits"),
        ({"revoked": ("ZZ" * 8,)}, "16 hex digits"),
        ({"version": 1 << 32}, "below 2"),
        ({"expires": -1}, "below 2"),
    ],
)
def test_a_list_that_no_device_takes_is_not_made(what, why):
    if not why:
        assert len(listed(**what).roots) == 8  # the same key twice is once
        return
    with pytest.raises(EdgekitError, match=why):
        listed(**what)


def test_nobody_locks_himself_out():
    with pytest.raises(EdgekitError, match="1 would be left"):
        listed().changed(revoked=(A.public.id, B.public.id))
    with pytest.raises(EdgekitError, match="names 1"):
        keyset.unsigned(listed(roots=(A.public,)))


def test_what_is_made_is_what_is_read():
    keys = listed(
        version=7, expires=NOW, revoked=(C.public.id,), signers=(SIGNER.public, OTHER.public)
    )
    data = signed(keys, E, A)
    assert keyset.contents(data) == (keys, sorted((A.public.id, E.public.id)))
    assert keyset.parsed(keys.encoded) == keys
    assert keyset.cosign(data, A) == data
