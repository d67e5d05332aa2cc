"""Which mistakes are built into the device's C: some by rule, wherever the rule fits, and some by hand.

Those in `slots.c`, in the agent, in trust and in the delta's decoder that have a search of their own stand
there: `powercut.MUTATIONS`, `powercut_keyset.MUTATIONS`, `tests/assurance/test_fuzz_delta.py`.
"""

from __future__ import annotations

import re

from benchmarks.ota.mutants import Mutant, original

HOST, RECORDS, CUTS, SLOTS, LOG, DELTA, HOSTILE, MANIFEST, FORM, FITS = (
    f"tests/{name}.py"
    for name in (
        "agent/test_host_device", "agent/test_records", "assurance/test_powercut", "assurance/test_slots",
        "assurance/test_slots_log", "packages/test_delta", "assurance/test_fuzz_delta",
        "agent/test_manifest_c", "agent/test_manifest_form", "agent/test_manifest_rules",
    )
)  # fmt: skip
SIGNATURES, CORE, TRUST, STATUS, ON_CORE, SECRET, CIPHER = (
    f"tests/{name}.py"
    for name in (
        "packages/test_signatures", "agent/test_simulator", "packages/test_keyset", "packages/test_status",
        "assurance/test_attacks_keyset", "agent/test_encrypted", "packages/test_encryption",
    )
)  # fmt: skip
TESTS = {  # of each file those that can notice, the likely ones first
    "agent.c": (HOST, RECORDS, SECRET, CUTS, CORE),
    "cbor.c": (HOST, FORM, MANIFEST),
    "cose.c": (HOST, MANIFEST, FORM),
    "decrypt.c": (SECRET, CIPHER),
    "delta.c": (HOST, DELTA, HOSTILE),
    "ed25519.c": (SIGNATURES, MANIFEST),
    "encryption.c": (SECRET, CIPHER),
    "es256.c": (SIGNATURES, MANIFEST),
    "hmac.c": (RECORDS, STATUS, MANIFEST),
    "keyset.c": (TRUST, ON_CORE),
    "manifest.c": (HOST, FORM, FITS, MANIFEST, SECRET),
    "slots.c": (RECORDS, HOST, SLOTS, LOG, CUTS),
    "statement.c": (TRUST, ON_CORE),
    "status.c": (STATUS, HOST, ON_CORE),
    "trust.c": (TRUST, STATUS, ON_CORE),
    "update_device.c": (HOST, CORE, ON_CORE),
}

# what a rule looks for in a line, what it makes of it
RULES = {
    "not refused": (
        r"(?P<before>^\s*(?:else )?if )\((?P<asked>.+)\)(?P<after> (?:return|cbor_fail|continue)\b.*;.*)$",
        r"\g<before>(0 && (\g<asked>))\g<after>",
    ),
    "the same bytes, but for the last": (
        r"(?P<before>cbor_same\([^,]+, [^,]+, )(?P<n>(?!uint32_t)[^,()]+)\)",
        r"\g<before>(\g<n>) - 1)",
    ),
    "off by one": (
        r"(?P<before>\bif \(.*[\w)\]]) (?P<op>[<>]=?) (?P<after>[\w(].*)$",
        None,
    ),
}
TURNED = {"<": "<=", "<=": "<", ">": ">=", ">=": ">"}


LIMITS = (
    "manifest.c",
)  # where a limit is a rule of the package, and "off by one" takes another one


def by_rule(name: str) -> list[Mutant]:
    """Every mutant of a file that a rule makes, one a line and rule."""
    made, text = [], original(name)
    lines = text.splitlines()
    for i, line in enumerate(lines):
        for rule, (pattern, into) in RULES.items():
            found = re.search(pattern, line)
            if not found or (rule == "off by one" and name not in LIMITS):
                continue
            if into:
                new = line[: found.start()] + found.expand(into) + line[found.end() :]
            else:
                at = found.start("op")
                new = line[:at] + TURNED[found["op"]] + line[found.end("op") :]
            wrong = f"{name}: {rule}: {line.strip()}"
            if before := sum(m.wrong.startswith(wrong) for m in made):  # such a line again
                wrong += f" ({before + 1})"
            made.append(Mutant(name, wrong, (_once(lines, i, new),)))
    return made


def _once(lines: list[str], i: int, new: str) -> tuple[str, str]:
    """The line with as many of those before it as it takes to be there only once."""
    text, first = "\n".join(lines), i
    while text.count(old := "\n".join(lines[first : i + 1])) != 1:
        first -= 1
    return old, "\n".join([*lines[first:i], new])


def _m(file: str, wrong: str, *changes: tuple[str, str]) -> Mutant:
    return Mutant(file, f"{file}: {wrong}", changes)


BY_HAND = (
    _m("manifest.c", "class id: one byte compared", ("m->model, d->model, 16", "m->model, d->model, 1")),
    _m("manifest.c", "device id: 8 of 16 bytes", ("m->device, d->device, 16", "m->device, d->device, 8")),
    _m("manifest.c", "digest: 16 of 32 bytes", ("(is, digest, SHA256_BYTES)", "(is, digest, 16)")),
    _m("manifest.c", "out is not cleared first", ("  *out = NOTHING;\n  const", "  const")),
    _m(
        "manifest.c", "out is not cleared after a refusal",
        ("  if (code != MANIFEST_OK) *out = NOTHING;", "  if (0) *out = NOTHING;"),
    ),
    _m(
        "manifest.c", "the newest is the confirmed one only",
        ("d->sequence > d->counter ? d->sequence : d->counter", "d->counter"),
    ),
    _m(
        "manifest.c", "the payload's digest is not signed",
        ("for (uint32_t i = 0; i < SHA256_BYTES; i++) message[SIGNED_DIGEST + i] = digest[i];",
         "for (uint32_t i = 0; i < SHA256_BYTES; i++) message[SIGNED_DIGEST + i] = 0;"),
    ),
    _m("cose.c", "revocation: one byte compared", ("key->bytes, sizeof k->bytes", "key->bytes, 1")),
    _m("cose.c", "a revoked key counts", ("revoked(trusted, k) ? COSE_REVOKED : COSE_GOOD", "COSE_GOOD")),
    _m("cose.c", "any key for any algorithm", ("k->algorithm == kind && k->verify", "k->verify")),
    _m("cose.c", "no signature is asked for", (" && k->verify(signature, k->bytes, message, n) == 0", "")),
    _m("cose.c", "the first key only", ("if (k->algorithm == kind", "if (i == 0 && k->algorithm == kind")),
    _m("cbor.c", "longer numbers are read", ("if (value < (width == 1 ? 24u : 1u << 4 * width))", "if (0)")),
    _m("cbor.c", "numbers of 8 bytes are read", ("low > 26", "low > 27")),
    _m("cbor.c", "what follows within is passed over", ("if (r->at != r->end) cbor", "if (0) cbor")),
    _m("cbor.c", "a length beyond the end", ("CBOR_ENDED);\n  else r->at", "CBOR_FINE);\n  r->at")),
    _m("decrypt.c", "a wrapped key: 7 of 8 bytes", ("i < 8; i++) differs", "i < 7; i++) differs")),
    _m("ed25519.c", "keys of small order", (" || !usable(public_key)", "")),
    _m("ed25519.c", "signatures' points of small order", ("!usable(signature) || ", "")),
    _m("ed25519.c", "order 8, one of the two", (" && eight[0] && eight[1]", " && eight[0]")),
    _m("ed25519.c", "points that are not canonical", (" && !(ones == 0 && point[0] >= 0xec)", "")),
    _m("ed25519.c", "the message is not hashed", ("  sha512_add(&s, message, (uint32_t)n);\n", "")),
    _m("es256.c", "high s", ("if (!is_low(signature + 32)) return -1;", "")),
    _m("es256.c", "half of n is high", ("s[i] <= HALF[i]", "s[i] < HALF[i]")),
    _m("update_device.c", "a packet of any length", ("(n > sizeof update_packet) return u", "(0) return u")),
    _m("update_device.c", "any length of statement", ("(n > sizeof update_packet) return S", "(0) return S")),
    _m("update_device.c", "the self-test: 7 of 8 bytes", ("i < ANSWER; i++)", "i < ANSWER - 1; i++)")),
    _m("update_device.c", "what is confirmed is believed", ("&& !trial && !update_selftest()", "&& 0")),
)  # fmt: skip

# mutants that no test can notice, and why
REDUNDANT = {
    "keyset.c: not refused: if (a->signers.count != b->signers.count || "
    "n != (uint32_t)(b->end - b->signers.at)) return 0;": (
        "the head of what follows the last signer differs then, and is among the bytes that are compared"
    ),
    "keyset.c: not refused: if (count > KEYSET_SIGNATURES) cbor_fail(&r, CBOR_WRONG);": (
        "17 signatures are longer than TRUST_BYTES"
    ),
    "keyset.c: the same bytes, but for the last: return cbor_same(a->signers.at, b->signers.at, n);": (
        "the last byte is one of a key's hash: another key differs before it, too"
    ),
    "agent.c: not refused: if (a->manifest.encoding != ENCODING_RAW && "
    "a->delta.result != DELTA_COMPLETE) return AGENT_DAMAGED;": (
        "slots_finish counts the bytes of the image, and answers the same"
    ),
    "update_device.c: any length of statement": "statement.c asks for less, before it reads a byte",
    "update_device.c: not refused: if (n > sizeof update_packet) return STATEMENT_FORM;": (
        "statement.c asks for less, before it reads a byte"
    ),
    "trust.c: not refused: if (r.reports > 0xFFFFFFFFu - TRUST_REPORTS) return 0;": (
        "so many reports are 16 million erasures of a sector, which bears 100,000"
    ),
    "statement.c: not refused: if (n > STATEMENT_BYTES) return STATEMENT_FORM;": (
        "the strict form has no longer encoding"
    ),
}

FEW = (
    "device id: 8 of 16",
    "packet of any",
    "self-test: 7 of 8",
    "a revoked key",
    "digest: 16 of 32",
)


def every() -> list[Mutant]:
    return [*BY_HAND, *(m for name in TESTS for m in by_rule(name))]


def few() -> list[Mutant]:
    """Some that the quick tests notice."""
    return [m for m in BY_HAND if any(word in m.wrong for word in FEW)]


QUICK = {m.file: (HOST,) for m in few()}
