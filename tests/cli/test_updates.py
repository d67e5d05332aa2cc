"""`edgekit ota …`, from a key to a confirmed update."""

import hashlib
import re
import shutil
import socket
import subprocess
import sys
import time
from dataclasses import replace

import pandas as pd
import pytest

from edgekit.cli import commands, run_device
from edgekit.core.ports import free_port
from edgekit.delivery.server import serve_http
from edgekit.delivery.server.certificates import certify
from edgekit.packages import manifest_of, run_key, suit
from tests.updates_fixtures import release_of, retrained


@pytest.fixture
def ota(tmp_path, monkeypatch, releases, capsys):
    """Runs a command in an empty folder; returns (code, what it printed, what it complained about)."""
    (tmp_path / "new.tflite").write_bytes(retrained(releases[0].tflite))
    (tmp_path / "old.tflite").write_bytes(releases[0].tflite)

    def release(run_dir, tflite=""):
        return release_of((tmp_path / tflite).read_bytes()) if tflite else releases[0]

    monkeypatch.setattr(run_device, "release_of", release)
    monkeypatch.setenv("EDGEKIT_KEY_PASSPHRASE", "four words of battery")
    monkeypatch.delenv("EDGEKIT_VENDOR", raising=False)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "run").mkdir()

    def command(*words):
        code = commands.main(["ota", *map(str, words)])
        said = capsys.readouterr()
        return code, said.out, said.err

    return command


ACME = ("--vendor", "acme.example")


def test_from_a_key_to_a_confirmed_update(ota, tmp_path):
    code, _, warning = ota("key", "release.pem")
    assert (code, warning) == (0, "edgekit: release.pem: a key in a file is NOT hardware-secured\n")
    trust = ("run", "--trust", "release.pub.pem", *ACME)
    assert ota("build", "run", "--sequence", "1", "--out", "1.suit", *ACME)[0] == 0
    code, said, _ = ota("install", "1.suit", *trust)
    assert code == 1
    assert "refused" in said
    assert "not signed" in said
    assert ota("attack", "1.suit", "run", "--key", "release.pem", *ACME)[0] == 2
    assert ota("sign", "1.suit", "--key", "release.pem")[0] == 0
    assert "confirmed in slot A" in ota("install", "1.suit", *trust)[1]

    delta = ("--model", "new.tflite", "--base", "old.tflite", "--out", "2.suit", *ACME)
    code, said, _ = ota("build", "run", "--sequence", "2", *delta)
    assert "delta against" in said
    assert said.endswith("not signed yet\n")
    ota("sign", "2.suit", "--key", "release.pem", "--base", "1.suit")
    with serve_http(tmp_path) as url:
        assert "confirmed in slot B" in ota("install", f"{url}/2.suit", *trust)[1]
    code, said, _ = ota("install", "2.suit", *trust)
    assert (code, "not newer" in said) == (1, True)
    attack = ("--key", "release.pem", "--base", "old.tflite", "--every", "40", *ACME)
    code, said, _ = ota("attack", "2.suit", "run", *attack)
    assert (code, "ACCEPTED" in said) == (0, False)


def test_attacks_meet_the_agent_in_c_as_well(ota, monkeypatch):
    met = []

    def on_core(data, signer, release, base, every, device):
        met.append((manifest_of(data).sequence, release.vendor, base.vendor, every, device))
        return pd.DataFrame({"attack": ["on the core"], "refused": [False]})

    monkeypatch.setattr("edgekit.assurance.attack_device", on_core)
    ota("key", "release.pem")
    ota("build", "run", "--sequence", "2", "--base", "old.tflite", "--out", "2.suit", *ACME)
    ota("sign", "2.suit", "--key", "release.pem", "--run", "run", "--base", "old.tflite")
    attack = ("--key", "release.pem", "--base", "old.tflite", "--every", "900", *ACME)
    assert ota("attack", "2.suit", "run", *attack)[0] == 0
    code, said, _ = ota("attack", "2.suit", "run", *attack, "--core")
    assert (code, "on the core" in said) == (1, True)  # where one gets in, it is told
    ((number, *vendors, every, device),) = met
    assert (number, vendors, every) == (2, ["acme.example"] * 2, 900)
    assert device.sequence == 0


def test_one_sites_package_is_refused_by_anothers_device(ota, tmp_path):
    """By vendor, by class under the vendor, and by device under the class."""
    mine = (*ACME, "--class", "pumps/north", "--device", "pump 7")
    ota("key", "release.pem")
    ota("build", "run", "--sequence", "1", "--out", "1.suit", *mine)
    ota("sign", "1.suit", "--key", "release.pem")
    trust = ("run", "--trust", "release.pub.pem")
    others = {
        "vendor": ("--vendor", "other.example", *mine[2:]),
        "class": (*ACME, "--class", "pumps/south", *mine[4:]),
        "device": (*mine[:4], "--device", "pump 8"),
    }
    for what, other in others.items():
        code, _, complaint = ota("sign", "1.suit", "--key", "release.pem", *other)
        assert (code, f"not for {what}" in complaint) == (2, True)
    for what in ("class", "device"):
        code, said, _ = ota("install", "1.suit", *trust, *others[what])
        assert (code, f"refused: made for another {what}" in said) == (1, True), said
    assert "confirmed" in ota("install", "1.suit", *trust, *mine)[1]


def test_the_vendor_of_every_workshop_is_for_workshop_keys_only(ota, tmp_path, monkeypatch):
    ota("key", "release.pem")
    ota("build", "run", "--sequence", "1", "--out", "1.suit")
    before = (tmp_path / "1.suit").read_bytes()
    code, _, complaint = ota("sign", "1.suit", "--key", "release.pem")
    assert (code, "--vendor" in complaint) == (2, True)
    assert (tmp_path / "1.suit").read_bytes() == before
    monkeypatch.delenv("EDGEKIT_KEY_PASSPHRASE")
    with pytest.warns(UserWarning, match="NOT hardware"):
        run_key(tmp_path / "run")
    assert ota("sign", "1.suit", "--key", "run/keys/workshop.pem")[0] == 0


def test_who_signs_sees_first_what_for_whom_and_until_when(ota, tmp_path):
    ota("key", "release.pem")
    now = time.time()
    words = (
        "--sequence",
        "now",
        "--out",
        "1.suit",
        *ACME,
        "--class",
        "pumps",
        "--device",
        "pump 7",
    )
    built = ota("build", "run", *words)[1]
    m = manifest_of((tmp_path / "1.suit").read_bytes())
    assert abs(m.sequence - now) < 60
    assert abs(m.expires - now - 180 * 86_400) < 60
    signed = ota("sign", "1.suit", "--key", "release.pem", *words[4:])[1]
    for said in (built, signed):
        for what in ("in 180 days", "(acme.example)", "(pumps)", "(pump 7)", str(m.sequence)):
            assert what in said
    assert signed.splitlines()[-1].startswith("signed by ES256 key")
    ota("build", "run", "--sequence", "1", "--out", "2.suit", "--expires", "0", *ACME)
    assert manifest_of((tmp_path / "2.suit").read_bytes()).expires == 0
    said = ota("sign", "2.suit", "--key", "release.pem")[1]
    assert re.search(r"expires +never", said)
    assert re.search(r"device +every one", said)


def test_only_what_is_what_it_says_is_signed(ota, tmp_path, releases):
    """The payload is unpacked and compared, a delta's against its base; what has expired is built again."""
    ota("key", "release.pem")
    delta = ("--model", "new.tflite", "--base", "old.tflite", "--out", "2.suit", *ACME)
    ota("build", "run", "--sequence", "2", *delta)
    ota("build", "run", "--sequence", "1", "--out", "1.suit", *ACME)
    (tmp_path / "image").write_bytes(releases[0].image)
    (tmp_path / "other").write_bytes(releases[0].image[:-1])
    package = (tmp_path / "2.suit").read_bytes()
    right = (("1.suit",), ("image",), ("old.tflite", "--run", "run"))
    wrong = {
        "--base": (), "another image": ("--base", "other"), "itself a delta": ("--base", "2.suit"),
        "--run": ("--base", "old.tflite"), "No such file": ("--base", "none"),
    }  # fmt: skip
    for why, words in wrong.items():
        code, said, complaint = ota("sign", "2.suit", "--key", "release.pem", *words)
        assert (code, why in complaint, "signed by" in said) == (2, True, False), complaint
        assert (tmp_path / "2.suit").read_bytes() == package
    for words in right:
        assert ota("sign", "2.suit", "--key", "release.pem", "--base", *words)[0] == 0
    m, payload = manifest_of(package), package[-manifest_of(package).payload_size :]
    lie = replace(m, digest=bytes(32))
    late = replace(m, expires=1_000_000)
    for made, why in ((lie, "not the one"), (late, "expired on 1970-01-12")):
        (tmp_path / "3.suit").write_bytes(suit.unsigned(made, payload))
        code, _, complaint = ota("sign", "3.suit", "--key", "release.pem", "--base", "1.suit")
        assert (code, why in complaint) == (2, True), complaint


def test_a_key_that_is_soon_guessed_is_not_made(ota, tmp_path, monkeypatch):
    for short, why in (
        ("x", "has 1 characters"),
        ("secret", "12 are the least"),
        ("a" * 40, "repeats"),
    ):
        monkeypatch.setenv("EDGEKIT_KEY_PASSPHRASE", short)
        code, _, complaint = ota("key", "new.pem")
        assert (code, why in complaint) == (2, True)
    assert not (tmp_path / "new.pem").exists()


@pytest.fixture
def serving(ota, tmp_path, monkeypatch):
    """`edgekit ota serve …` as a program of its own; gives what its first line says."""
    running = []

    def start(*words):
        command = [
            sys.executable,
            "-m",
            "edgekit",
            "ota",
            "serve",
            *words,
            "--port",
            str(free_port()),
        ]
        pipe = subprocess.PIPE
        running.append(
            (subprocess.Popen(command, stdout=pipe, stderr=pipe, text=True), int(command[-1]))
        )
        return running[-1][0].stdout.readline()

    yield start
    for process, port in running:
        process.terminate()
        process.communicate(timeout=60)
        assert process.returncode == 130
        with socket.socket() as left:  # by a broker of its own, too
            assert left.connect_ex(("127.0.0.1", port))


@pytest.mark.skipif(not shutil.which("curl"), reason="curl is not installed")
def test_served_over_tls_as_other_programs_see_it(serving, tmp_path):
    """curl and OpenSSL are the oracles; the folder holds the keys too."""
    certify(tmp_path, "web", "127.0.0.1")
    (tmp_path / "1.suit").write_bytes(b"a package")
    said = serving(str(tmp_path), "--certificate", str(tmp_path / "web.pem"))
    url, _, names = said.strip().partition(": ")
    assert (url.startswith("https://"), names) == (True, "1.suit")

    def curl(name):
        command = [
            "curl",
            "-s",
            "-o",
            "-",
            "-w",
            "%{http_code}",
            "--cacert",
            "ca.pem",
            f"{url}/{name}",
        ]
        return subprocess.run(command, cwd=tmp_path, capture_output=True, text=True).stdout

    assert curl("1.suit") == "a package200"
    for name in ("web.key", "ca.key", "web.pem", "new.tflite", ""):
        assert curl(name).endswith("404")
    command = ["openssl", "s_client", "-connect", url.removeprefix("https://"), "-CAfile", "ca.pem"]
    hand = subprocess.run(command, cwd=tmp_path, input="", capture_output=True, text=True).stdout
    assert "Verify return code: 0 (ok)" in hand
    assert "TLSv1.3" in hand


def test_served_over_mqtt_to_those_who_may_enter(serving, ota, tmp_path, monkeypatch):
    """The folder of credentials is what a device is given; `fetch` takes the address that `serve` says."""
    for needed in ("amqtt", "paho.mqtt"):
        pytest.importorskip(needed)
    (tmp_path / "2.suit").write_bytes(b"a package")
    keys = tmp_path / "bench"
    words = ("--over", "mqtt", "--credentials", str(keys), "--receiver", "pump-1")
    address, _, names = serving(str(tmp_path), *words).strip().rpartition(": ")
    assert (address.startswith("mqtts://127.0.0.1:"), names) == (True, "2")
    entering = ("--ca", keys / "ca.pem", "--user", "pump-1")
    monkeypatch.setenv("EDGEKIT_PASSWORD", (keys / "pump-1.password").read_text())
    code, said, _ = ota("fetch", f"{address}/pump-1/2", tmp_path / "got.suit", *entering)
    assert (code, (tmp_path / "got.suit").read_bytes()) == (0, b"a package")
    assert hashlib.sha256(b"a package").hexdigest() in said
    monkeypatch.setenv("EDGEKIT_PASSWORD", "guess")
    code, _, complaint = ota("fetch", f"{address}/pump-1/2", tmp_path / "got.suit", *entering)
    assert (code, "refuses" in complaint, complaint.count("\n")) == (2, True, 1)


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (("sign", "none.suit", "--key", "none.pem"), "none.suit: No such file"),
        (("install", "none.suit", "run", "--trust", "new.tflite"), "none.suit"),
        (("key", "pkcs11:token=x"), "no key in a token"),
        (("serve", "nowhere"), "no folder"),
        (("serve", ".", "--over", "mqt"), "Did you mean 'mqtt'"),
        (("fetch", "gopher://x/y", "z"), "no transport for gopher"),
        (("fetch", "mqtts://x/y", "z"), "is how it reads"),
        (("serve", ".", "--private-key", "new.tflite"), "needs its --certificate"),
        (("serve", ".", "--certificate", "new.tflite"), "chmod 600 new.tflite"),
        (("serve", ".", "--certificate", "none.pem"), "none.pem: No such file"),
        (("sign", "/dev/zero", "--key", "none.pem"), "/dev/zero is no file"),
        (("install", "/dev/zero", "run", "--trust", "new.tflite"), "/dev/zero is no file"),
        (("build", "run", "--sequence", "1", "--expires", "36500"), "beyond February 2106"),
        (("build", "run", "--sequence", "soon"), "--sequence"),
        (("build", "run", "--sequence", "1", "--vendor", "no domain"), "a vendor is a domain name"),
        (("build", "run", "--sequence", "1", "--class", "two\nlines"), "class of devices"),
        (("build", "run", "--sequence", "2", "--expires", "inf"), "--expires"),
        (("build", "run", "--sequence", "0"), "--sequence"),
        (("key", "pkcs11:token=x;object=a?pin-value=1234"), "token"),
    ],
)
def test_what_is_not_there_is_said_in_one_line(ota, words, why):
    code, _, complaint = ota(*words)
    assert code == 2
    assert why in complaint
    assert complaint.count("\n") == 1
    assert "Errno" not in complaint
