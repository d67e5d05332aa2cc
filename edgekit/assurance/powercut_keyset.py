"""Cut the power while a device changes its keys, hears of a release, or reports; mistakes that must show."""

from __future__ import annotations

from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass

from edgekit.assurance import fuzz_keyset
from edgekit.assurance.fuzz_keyset import MODEL, VENDOR, sample_signers
from edgekit.assurance.keyset_device import KeysetDevice, PowerCut
from edgekit.assurance.powercut import TEAR_MODES
from edgekit.core.errors import EdgekitError
from edgekit.core.spawn import without_main
from edgekit.packages import keyset, statement, status
from edgekit.packages.flash_layout import SECTOR
from edgekit.packages.keyset import KeyList

FAULTS = ("lost", "back", "stuck", "forgot", "twice", "single", "said", "rotten", "broken")
DEVICE, SECRET, MESSAGE = b"d" * 16, bytes(range(32)), b"a package"


@dataclass(frozen=True)
class Rotation:
    """A device before a change of its keys, and all that comes to it."""

    flash: bytes
    old: KeyList
    new: KeyList
    keys: bytes
    said: bytes
    signed: tuple[
        tuple[str, bytes], ...
    ]  # by the old and by the new signer: (algorithm, signature)


def cuts(change: tuple[str, ...] = ()) -> Counter:
    """Cut the power of a rotation, of a statement and of reports, at every operation in every way.

    Counts `lives`, and what must be 0: `lost` (after the next start other signers are believed than those
    of the old or of the new list), `back` (keys that counted once do not any more), `stuck` (the rotation
    does not get through in the end), `forgot` (a statement that was heard is not known), `twice` (a report's
    number came again), `single` (after a start the new list stands in one sector alone), `said` (what a
    revoked key said of releases is still believed), `rotten` (a bit that flips in one of the sectors changes
    whom the device trusts), `broken` (rules of the flash). change: as `KeysetDevice` takes it.
    """
    device = KeysetDevice(first(), SECRET, MODEL, DEVICE, change=change)
    found = Counter(dict.fromkeys(("lives", *FAULTS), 0))
    for begin in (_fresh, _rotated):
        plan = begin(device)
        operations = _life(device, plan, None, found)
        found["rotten"] += _rots(device, plan)
        device.flash = plan.flash  # once more, and no further than to the new keys
        device.start()
        device.take_keys(plan.keys)
        found["said"] += device.freshness(1) != "frozen"
        found["rotten"] += _rots(device, plan)
        for operation in range(1, operations + 1):
            for way in range(len(TEAR_MODES)):
                _life(device, plan, (operation, way), found)
    return found


def first() -> KeyList:
    """Two of three roots, one signer: what is compiled in."""
    p = [s.public for s in sample_signers()]
    return KeyList(VENDOR, 0, 2, (p[0], p[1], p[4]), (p[2],))


def rotation(device: KeysetDevice, old: KeyList) -> Rotation:
    """Another root and another signer, signed by those who must."""
    stay = [
        s for s in sample_signers() if s.public in old.roots and s.public.id not in old.revoked
    ][:2]
    fresh = next(s.public for s in sample_signers() if s.public not in (*old.roots, *old.signers))
    signer = next(s for s in sample_signers()[2:4] if s.public in old.trusted)
    other = next(s for s in sample_signers()[2:4] if s is not signer)
    roots = (*(s.public for s in stay), fresh)
    new = old.changed(roots=roots, signers=(other.public,), revoked=(signer.public.id,))
    data = keyset.signed(new, *stay)
    said = statement.sign_statement(statement.Statement(MODEL, 2, 1002, 9000), other)
    by = tuple((s.public.algorithm, s.sign(MESSAGE)) for s in (signer, other))
    return Rotation(device.flash, old, new, data, said, by)


def _fresh(device: KeysetDevice) -> Rotation:
    device.reflash(first())
    return rotation(device, first())


def _rotated(device: KeysetDevice) -> Rotation:
    """A device that has changed its keys, heard a statement and reported before."""
    before = _fresh(device)
    device.take_keys(before.keys)
    device.take_statement(before.said, 1)
    device.report()
    return rotation(device, before.new)


def _life(device: KeysetDevice, plan: Rotation, cut: tuple[int, int] | None, found: Counter) -> int:
    """Rotate, hear, report; after a cut, again. Operations on the flash that it took."""
    device.flash = plan.flash
    device.start()
    begun, numbers = device.operations, []
    if cut:
        device.cut(*cut)
    reached, heard = plan.old.version, False
    for _ in range(4):
        try:
            if device.version == plan.old.version:
                device.take_keys(plan.keys)
            reached = plan.new.version
            device.take_statement(plan.said, 1)
            heard = True
            for _ in range(3):
                numbers.append(_number(device))
            break
        except PowerCut:
            device.start()
        except EdgekitError:
            break
        found["lost"] += not _believes(device, plan)
        found["single"] += device.version == plan.new.version and not _is_twice(device, plan.new)
        found["back"] += device.version < reached
        reached = max(reached, device.version)
        found["forgot"] += heard and device.freshness(2) != "current"
    device.start()
    try:
        numbers.append(_number(device))
    except EdgekitError:
        found["stuck"] += 1
    found["lives"] += 1
    found["stuck"] += device.version != plan.new.version or device.freshness(2) != "current"
    found["twice"] += len(set(numbers)) != len(numbers)
    found["broken"] += device.broken
    return device.operations - begun


def _believes(device: KeysetDevice, plan: Rotation) -> bool:
    """Exactly those whom the list of its version names?"""
    if device.version not in (plan.old.version, plan.new.version):
        return False
    right = [device.version == plan.old.version, device.version == plan.new.version]
    return [device.believes(a, MESSAGE, s) for a, s in plan.signed] == right


def _is_twice(device: KeysetDevice, keys: KeyList) -> bool:
    return device.flash.count(keys.encoded) == 2


def _rots(device: KeysetDevice, plan: Rotation) -> bool:
    """Flip a bit in the record and in the list of either sector; does the device then trust others?"""
    kept, wrong = device.flash, False
    for sector in range(2):
        for place in range(1, 64 + len(plan.new.encoded), 9):  # in the record, and in the list
            flash = bytearray(kept)
            flash[sector * SECTOR + place] ^= 16
            device.flash = bytes(flash)
            device.start()
            wrong |= not _believes(device, plan) or device.version != plan.new.version
    device.flash = kept
    device.start()
    return wrong


def _number(device: KeysetDevice) -> int:
    return status.decode_unverified(device.report()).number


# --- mistakes


MUTATIONS = {  # what somebody might get wrong in the C: old, new, …
    "old threshold not asked": ("enough(old, signatures, count, verify, digest)", "0"),
    "new threshold not asked": ("enough(fresh, signatures, count, verify, digest)", "0"),
    "one signature fewer is enough": ("counted >= s->threshold", "counted + 1 >= s->threshold"),
    "signatures count twice": ("last && compare(by.id, last, KEY_ID) <= 0", "0"),
    "signature not verified": ("verify(s->bytes, key, message, sizeof message) == 0", "key && message[0]"),
    "algorithm of a signature not compared": ("*by.algorithm != (algorithm == KEY_ES256 ? 0x28 : 0x32)", "0"),
    "a revoked root counts": ("keyset_revoked(s, *algorithm, bytes) ? NULL : bytes", "bytes"),
    "a revoked signer is believed": ("k->revoked = (uint8_t)keyset_revoked", "(void)keyset_revoked"),
    "revocation compares one byte": ("(1 + KEY_ID) + 1, id, KEY_ID)", "(1 + KEY_ID) + 1, id, 1)"),
    "digest of the list not compared": ("return KEYSET_DIGEST;", "{}"),
    "vendor not compared": ("return KEYSET_VENDOR;", "{}"),
    "version may stay": ("s->version <= old->version", "s->version < old->version"),
    "version may leap": ("return KEYSET_LEAPS;", "{}"),
    "expiry not looked at": ("return KEYSET_EXPIRED;", "{}"),
    "algorithm that is not there": ("return KEYSET_ALGORITHM;", "{}"),
    "lists need not rise": ("compare(item, last, size) <= 0", "0"),
    "a threshold of nobody": ("out->threshold == 0 || ", ""),
    "more keys than there is room for": ("if (list.count > most) cbor_fail(r, CBOR_WRONG);", ""),
    "something may follow the list": ("cbor_leave(&r, r.end);\n  out->end", "out->end"),
    "the sector in use is erased": ("t->record.order ? t->sector ^ 1 : 0, to", "t->sector, to"),
    "record without its MAC": ("return hmac_same(mac, r->mac, sizeof mac);", "return 1;"),
    "the list is not under the MAC": ("hmac_add(&h, list, r->size);", "(void)list;"),
    "the older record counts": ("r.order <= t->record.order", "t->record.order && r.order > t->record.order"),
    "no second copy": ("change(t, &r); /* the second", "/*", "change(t, &r); /* if this fails", "/*"),
    "second copy forgotten after a cut": ("change(t, &r); /* if this fails", "/*"),
    "numbers of reports are not kept": ("r.reports += TRUST_REPORTS;", "r.reports += 1, t->report = 0;"),
    "statement not kept": ("trust_keep(t, latest, issued, until)", "0"),
    "a stolen key's statement is kept": ("if (!keyset_same_signers(&t->set, &fresh))", "if (0)"),
    "a statement's class not compared": ("return STATEMENT_CLASS;", "{}"),
    "older statement taken": ("if (issued < kept->issued) return STATEMENT_REPLAYED;", ""),
    "release may fall": ("return STATEMENT_ROLLBACK;", "{}"),
    "same time, another statement": ("latest != kept->latest || until != kept->until", "0"),
    "statement from the future": ("return STATEMENT_FROM_FUTURE;", "{}"),
    "statement never runs out": (" || now > t->record.until", ""),
    "statement's signature not asked": ("code = check_signature(", "code = 0 && check_signature("),
}  # fmt: skip


def mutations(names=tuple(MUTATIONS), n: int = 600):
    """Does anything notice these mistakes? A pandas DataFrame: mutation, caught (bool), by.

    n: hostile inputs for each. A mistake may write where it must not: each is tried in a process of its own.
    """
    import pandas as pd

    rows = []
    for name in names:
        with without_main(), ProcessPoolExecutor(1) as apart:
            try:
                found = apart.submit(_caught, MUTATIONS[name], n).result()
            except BrokenProcessPool:
                found = True, "a crash"
        rows.append((name, *found))
    return pd.DataFrame(rows, columns=["mutation", "caught", "by"])


def _caught(change: tuple[str, ...], n: int) -> tuple[bool, str]:
    if fuzz_keyset.compare_statements(n, change=change, stop=True)[1]:
        return True, "statements"
    if fuzz_keyset.compare_keysets(n, change=change, stop=True)[1]:
        return True, "key manifests"
    try:
        found = cuts(change)
    except EdgekitError as refusal:  # of what it should take
        return True, str(refusal)
    faults = [f for f in FAULTS if found[f]]
    return bool(faults), ", ".join(faults)
