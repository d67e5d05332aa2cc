"""`edgekit ota keys …`, `latest …`, `status`: a stolen key, from the first list to a device that goes on."""

import re

import pytest

from edgekit.packages import keyset
from tests.cli.test_updates import ACME, ota  # noqa: F401  (a fixture)


@pytest.fixture
def run(ota, tmp_path):  # noqa: F811
    """`ota`, after three root keys and two signing keys were made; and each key's id by its name."""
    ids = {}
    for name in ("a", "b", "c", "signer", "next"):
        said = ota("key", f"{name}.pem", "--algorithm", "EdDSA")[1]
        ids[name] = re.search(r"key ([0-9a-f]{16})", said)[1]
    roots = [word for name in "abc" for word in ("--root", f"{name}.pub.pem")]
    more = ("--threshold", "2", "--signer", "signer.pub.pem", *ACME)
    assert ota("keys", "make", "first.keys", *roots, *more)[0] == 0
    return ota, ids


def test_from_a_stolen_key_to_a_device_that_goes_on(run, tmp_path):
    ota, ids = run  # noqa: F811
    trusts = ("run", "--trust", "first.keys", *ACME)
    for n in "12":
        assert ota("build", "run", "--sequence", n, "--out", f"{n}.suit", *ACME)[0] == 0
    ota("sign", "1.suit", "--key", "signer.pem")
    assert "confirmed in slot A" in ota("install", "1.suit", *trusts)[1]
    assert "release 1 confirmed, frozen, keys 0" in ota("status", *trusts)[1]

    changes = ("--signer", "next.pub.pem", "--root", "next.pub.pem", "--drop", ids["c"])
    assert ota("keys", "rotate", "first.keys", "rotated.keys", *changes)[0] == 0
    code, said, _ = ota("keys", "revoke", "rotated.keys", "second.keys", ids["signer"])
    assert (code, "version 2" in said, "1 revoked" in said) == (0, True, True)
    for key, count in (("a", 1), ("c", 2), ("next", 2)):
        code, said, _ = ota(
            "keys", "sign", "second.keys", "--key", f"{key}.pem", "--old", "first.keys"
        )
        assert (code, f"{count} of the 2 old roots" in said) == (0, True)
        taken = "2 of the 2 new roots" in said
        assert ota("keys", "show", "second.keys", "--old", "first.keys")[0] == (0 if taken else 1)
        code, said, _ = ota("keys", "install", "second.keys", *trusts)
        assert (code, "taken" in said) == ((0, True) if taken else (1, False))

    ota("sign", "2.suit", "--key", "signer.pem")
    assert "revoked" in ota("install", "2.suit", *trusts)[1]
    state = ("--days", "1", "--sequence", "2", *ACME)
    assert ota("latest", "make", "run", *state, "--key", "next.pem")[0] == 0
    assert ota("latest", "tell", "latest.cose", *trusts)[:2] == (1, "behind\n")
    ota("sign", "2.suit", "--key", "next.pem")
    assert "confirmed in slot B" in ota("install", "2.suit", *trusts)[1]
    assert ota("latest", "tell", "latest.cose", *trusts)[:2] == (0, "current\n")
    assert "release 2 confirmed, current, keys 2" in ota("status", *trusts)[1]
    ota("latest", "make", "run", *state, "--key", "signer.pem", "--out", "forged.cose")
    assert (
        "refused: signed by a key that was revoked"
        in ota("latest", "tell", "forged.cose", *trusts)[1]
    )


def test_what_is_wrong_is_said_in_one_line(run, tmp_path):
    ota, ids = run  # noqa: F811
    (tmp_path / "bad.keys").write_bytes(b"\xd8\x62")
    for words, why in (
        (
            (
                "keys",
                "make",
                "x.keys",
                "--root",
                "a.pub.pem",
                "--threshold",
                "1",
                "--vendor",
                "edgekit.example",
            ),
            "own domain",
        ),
        (("keys", "sign", "none.keys", "--key", "a.pem"), "none.keys"),
        (("keys", "sign", "bad.keys", "--key", "a.pem"), "bad.keys: not a key manifest"),
        (("keys", "sign", "first.keys", "--key", "signer.pem"), "no root key"),
        (("keys", "revoke", "first.keys", "x.keys", "zz"), "16 hex digits"),
        (("keys", "revoke", "first.keys", "x.keys", ids["a"], ids["b"]), "1 would be left"),
        (("keys", "rotate", "first.keys", "x.keys", "--drop", "0" * 16), "has no key"),
        (("keys", "rotate", "first.keys", "x.keys", "--threshold", "4"), "3 would be left"),
        (("keys", "rotate", "first.keys", "first.keys"), "there already"),
        (("keys", "rotate", "first.keys", "x.keys", "--root", "new.tflite"), "no public key"),
        (("keys", "install", "bad.keys", "run", "--trust", "bad.keys"), "not a key manifest"),
        (
            ("latest", "make", "run", "--sequence", "0", "--days", "1", "--key", "a.pem"),
            "--sequence",
        ),
    ):
        code, _, complaint = ota(*words)
        complaint = "\n".join(s for s in complaint.splitlines() if "NOT hardware" not in s)
        assert code == 2, words
        assert why in complaint, (words, complaint)
        assert "\n" not in complaint
    assert not (tmp_path / "x.keys").exists()
    assert keyset.contents((tmp_path / "first.keys").read_bytes())[1] == []
