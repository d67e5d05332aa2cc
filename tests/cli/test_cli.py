"""Whatever is typed, a mistake gets one line that begins with `edgekit:`, and exit code 2."""

import json

import pytest

from edgekit.cli.commands import main
from edgekit.pipeline.manifest import start_manifest, update_manifest
from edgekit.search import cluster

HUGE = "9" * 400
NUMBERS = ("nan", "inf", "-inf", "-1", "1e400", HUGE, "x", "")


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """A folder with a file, a broken model, an empty folder and a run that ended before its export."""
    place = tmp_path_factory.mktemp("cli")
    (place / "file").write_text("text")
    (place / "folder").mkdir()
    (place / "run").mkdir()
    (place / "manifest").mkdir()
    (place / "manifest" / "manifest.json").write_text("[1]")
    start_manifest(place / "run", "bearing", "quick")
    entry = {"parameters": {}, "outputs": {}, "inputs": {}, "figures": {}, "verdicts": []}
    update_manifest(place / "run", "05_export", entry)
    (place / "packages").mkdir()
    (place / "taken").mkdir()
    return place


def calls() -> list[tuple[str, ...]]:
    ota, new = ("ota", "build", "run"), ("new", "mine", "--yes")
    record = ("record", "serial", "--out", "out", "--port", "/dev/null")
    found = [
        ("runn",),
        ("run",),
        ("run", ""),
        ("run", "nobody"),
        ("run", "../x"),
        ("run", "bear\ning"),
        ("run", "bearing", "--profile", "fast"),
        ("run", "bearing", "--from", "nowhere"),
        ("run", "bearing", "--from", ""),
        ("run", "bearing", "--through", ""),
        ("run", "bearing", "--from", "export", "--through", "train"),
        ("run", "bearing", "--run-dir", "file"),
        ("run", "bearing", "--run-dir", "file/x"),
        ("run", "bearing", "--run-dir", ""),
        ("run", "bearing", "--run-dir", "manifest"),
        ("run", "bearing", "--run-dir", "a" * 300),
        ("run", "bearing", "--run-dir", "nul\0byte"),
        ("run", "bearing", "-p", "x"),
        ("run", "bearing", "-p", "x=1"),
        ("run", "bearing", "-p", "=1"),
        ("run", "bearing", "-p", ""),
        ("run", "bearing", "-p", "seed=1"),
        ("run", "bearing", "-p", "x=" + "(" * 5000),
        ("run", "bearing", "-p", "x=" + HUGE * 20),
        *(("run", "bearing", "--seed", n) for n in (*NUMBERS, "1.5", "4294967296")),
        ("search", "nobody"),
        ("search", "bearing", "--run-dir", "folder"),
        ("search", "bearing", "--run-dir", "file"),
        *(("search", "bearing", "--trials", n) for n in (*NUMBERS, "0", "1000000")),
        *(("search", "bearing", "--workers", n) for n in (*NUMBERS, "0", "257")),
        *(("search", "bearing", "--seed", n) for n in NUMBERS),
        ("sweep", "bearing"),
        ("sweep", "nobody", "-p", "seed=0,1"),
        ("sweep", "bearing", "-p", "x=0..999999999"),
        ("sweep", "bearing", "-p", "seed=0..999999999"),
        ("sweep", "bearing", "-p", "seed=5..1"),
        ("sweep", "bearing", "-p", f"seed={HUGE * 20}..1"),
        ("sweep", "bearing", "-p", "seed="),
        ("sweep", "bearing", "-p", "seed=nan"),
        ("sweep", "bearing", "-p", "seed=-1"),
        ("sweep", "bearing", "-p", "seed=0,0"),
        ("sweep", "bearing", "-p", "profile=fast"),
        ("sweep", "bearing", "-p", "seed=0,1", "-p", "seed=2"),
        ("sweep", "bearing", "-p", "seed=0,1", "--through", "nowhere"),
        ("sweep", "bearing", "-p", "seed=0,1", "--through", ""),
        *(("sweep", "bearing", "-p", "seed=0,1", "--workers", n) for n in (*NUMBERS, "0")),
        *(
            ("sweep", "bearing", "-p", "seed=0", "--scheduler", where)
            for where in ("x", "tcp://", "tcp://h:99999", "tcp://h:-1", "foo://h:1", "tcp://h", "")
        ),
        ("report", "nowhere"),
        ("report", "file"),
        ("report", "folder"),
        ("report", "manifest"),
        ("report", "manifest", "nowhere"),
        ("report", ""),
        ("data", "get"),
        ("data", "get", "nothing"),
        ("data", "get", ""),
        ("data", "put"),
        (*new, "--from", ""),
        (*new, "--from", "nowhere"),
        (*new, "--from", "file"),
        (*new, "--from", "folder"),
        *((*record, "--seconds", n) for n in (*NUMBERS, "0", "86401")),
        *((*record, "--seconds", "1", "--rate", n) for n in (*NUMBERS, "1e9")),
        *((*record, "--seconds", "1", "--baud", n) for n in (*NUMBERS, "0")),
        ("record", "serial", "--seconds", "1", "--out", "out"),
        ("record", "serial", "--seconds", "1", "--out", "file", "--port", "/dev/null"),
        ("record", "serial", "--seconds", "1", "--out", "out", "--port", "/dev/nothing-there"),
        *(
            ("record", "mqtt", "--seconds", "1", "--out", "out", "--port", n)
            for n in (*NUMBERS, "0", "65536", "²")
        ),
        ("record", "mqtt", "--seconds", "1", "--out", "out", "--host", ""),
        ("record", "mqtt", "--seconds", "1", "--out", "out", "--topic", "a/#/b"),
        ("ota",),
        ("ota", "key", ""),
        ("ota", "key", "folder"),
        ("ota", "key", "file/x.pem"),
        ("ota", "key", "k.pem", "--algorithm", "RSA"),
        ("ota", "key", "pkcs11:"),
        *((*ota, "--sequence", n) for n in (*NUMBERS, "0", "4294967296", "1.5")),
        *((*ota, "--sequence", "1", "--expires", n) for n in (*NUMBERS, "36501")),
        (*ota, "--sequence", "1", "--model", "file"),
        (*ota, "--sequence", "1", "--model", "folder"),
        (*ota, "--sequence", "1", "--model", "/dev/zero"),
        ("ota", "install", "/dev/zero", "run", "--trust", "file"),
        (*ota, "--sequence", "1", "--base", "nowhere"),
        (*ota, "--sequence", "1", "--kind", "exe"),
        ("ota", "build", "file", "--sequence", "1"),
        ("ota", "build", "nowhere", "--sequence", "1"),
        ("ota", "build", "manifest", "--sequence", "1"),
        ("ota", "sign", "file", "--key", "file"),
        ("ota", "sign", "folder", "--key", "k.pem"),
        ("ota", "sign", "nowhere", "--key", "k.pem"),
        ("ota", "serve", "nowhere"),
        ("ota", "serve", "file"),
        *(("ota", "serve", "packages", "--port", n) for n in (*NUMBERS, "99999", "-5", "65536")),
        ("ota", "serve", "packages", "--host", "not a host"),
        ("ota", "serve", "packages", "--host", ""),
        ("ota", "install", "file", "run", "--trust", "file"),
        ("ota", "install", "nowhere", "run", "--trust", "file"),
        ("ota", "install", "http://[::1", "run", "--trust", "file"),
        ("ota", "install", "http://127.0.0.1:99999/x", "run", "--trust", "file"),
        ("ota", "attack", "file", "run", "--key", "file"),
        *(("ota", "attack", "file", "run", "--key", "k.pem", "--every", n) for n in (*NUMBERS, "0")),
    ]  # fmt: skip
    return found


def test_every_mistake_gets_one_line(place, monkeypatch, capfd):
    monkeypatch.chdir(place)
    monkeypatch.setenv("EDGEKIT_KEY_PASSPHRASE", "secret")
    monkeypatch.setattr(cluster, "PATIENCE", "1s")
    monkeypatch.setenv("EDGEKIT_RUNS", str(place / "runs"))
    bad = []
    for words in calls():
        try:
            code = main(list(words))
        except SystemExit as stop:
            code = stop.code
        except BaseException as error:
            code = f"{type(error).__name__}: {error}"
        said = capfd.readouterr()
        one = said.err.startswith("edgekit: ") and said.err.count("\n") == 1
        if code != 2 or not one or "Errno" in said.err:
            bad.append(([w[:60] for w in words], str(code)[:200], said.err[:400]))
    assert not bad, "\n".join(map(str, bad))
    begun = [path for path in (place / "runs").rglob("*") if path.is_file()]
    assert not begun, "something was begun all the same"
    assert json.loads((place / "manifest" / "manifest.json").read_text()) == [1]


def test_the_command_alone_shows_what_there_is_and_how_to_begin(capsys):
    assert main([]) == 0
    said = capsys.readouterr().out
    assert "edgekit start my-project" in " ".join(said.split())
    assert "simulate a fleet" in said


def test_a_shell_can_complete_it(capsys):
    with pytest.raises(SystemExit) as stop:
        main(["--print-completion", "bash"])
    assert stop.value.code == 0
    assert "--through" in capsys.readouterr().out
