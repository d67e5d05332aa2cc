"""`edgekit ota …`, from a key to a confirmed update."""

import pytest

from edgekit import cli, cli_ota
from edgekit.ota.delivery import serve_http
from tests.ota.conftest import release_of, retrained


@pytest.fixture
def ota(tmp_path, monkeypatch, releases, capsys):
    """Runs a command in an empty folder; returns (code, what it printed, what it complained about)."""
    (tmp_path / "new.tflite").write_bytes(retrained(releases[0].tflite))
    (tmp_path / "old.tflite").write_bytes(releases[0].tflite)

    def release(run_dir, tflite=""):
        return release_of((tmp_path / tflite).read_bytes()) if tflite else releases[0]

    monkeypatch.setattr(cli_ota, "_release", release)
    monkeypatch.setenv("EDGEKIT_KEY_PASSPHRASE", "secret")
    monkeypatch.chdir(tmp_path)
    (tmp_path / "run").mkdir()

    def command(*words):
        code = cli.main(["ota", *words])
        said = capsys.readouterr()
        return code, said.out, said.err

    return command


def test_from_a_key_to_a_confirmed_update(ota, tmp_path):
    code, _, warning = ota("key", "release.pem")
    assert (code, warning) == (0, "edgekit: release.pem: a key in a file is NOT hardware-secured\n")
    trust = ("run", "--trust", "release.pub.pem")
    assert ota("build", "run", "--sequence", "1", "--out", "1.suit")[0] == 0
    code, said, _ = ota("install", "1.suit", *trust)
    assert code == 1
    assert "refused" in said
    assert "not signed" in said
    assert ota("sign", "1.suit", "--key", "release.pem")[0] == 0
    assert "confirmed in slot A" in ota("install", "1.suit", *trust)[1]

    delta = ("--model", "new.tflite", "--base", "old.tflite", "--out", "2.suit")
    code, said, _ = ota("build", "run", "--sequence", "2", *delta)
    assert "delta of" in said
    ota("sign", "2.suit", "--key", "release.pem")
    with serve_http(tmp_path) as url:
        assert "confirmed in slot B" in ota("install", f"{url}/2.suit", *trust)[1]
    code, said, _ = ota("install", "2.suit", *trust)
    assert (code, "not newer" in said) == (1, True)
    attack = ("--key", "release.pem", "--base", "old.tflite", "--every", "40")
    code, said, _ = ota("attack", "2.suit", "run", *attack)
    assert (code, "ACCEPTED" in said) == (0, False)


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (("sign", "none.suit", "--key", "none.pem"), "none.suit: No such file"),
        (("install", "none.suit", "run", "--trust", "new.tflite"), "none.suit"),
        (("key", "pkcs11:token=x"), "no key in a token"),
        (("serve", "nowhere"), "no folder"),
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
