"""`edgekit federate`: one clear line for what cannot be, and a key that a node shows."""

import numpy as np
import pytest

from edgekit import cli

pytest.importorskip("flwr")


def say(capsys, *words) -> tuple[int, str]:
    code = cli.main(["federate", *map(str, words)])
    out = capsys.readouterr()
    return code, out.out + out.err


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("serve", "F", "--host", "0.0.0.0"), "--name"),
        (("serve", "F", "--host", "10.0.0.1"), "invalid choice"),
        (("serve", "F", "--admit", "anna"), "NAME=FILE"),
        (("serve", "F", "--port", "70000"), "65,535"),
        (("join", "F", "--superlink", "h:1"), "--ca and --number"),
        (("join", "F", "--superlink", "h:1", "--ca", "c", "--number", "0"), "has no windows"),
        (("join", "F", "--windows", "w.npz"), "--use-case and --classes"),
        (("join", "F", "--windows", "w.npz", "--use-case", "x/../y", "--classes", "2"), "x/../y"),
        (("run", "F", "--use-case", "activity", "--strategy", "FedAvgg"), "Did you mean 'FedAvg'"),
        (("run", "F", "--use-case", "activity"), "--classes"),
        (("run", "F", "--use-case", "activity", "--classes", "7"), "nobody serves"),
    ],
)
def test_what_cannot_be_is_one_line(tmp_path, monkeypatch, capsys, words, said):
    monkeypatch.chdir(tmp_path)
    code, out = say(capsys, *words)
    assert code == 2
    assert said in out
    assert out.count("\n") == 1


def test_a_node_shows_its_public_key_and_keeps_its_windows(tmp_path, capsys):
    file, folder = tmp_path / "w.npz", tmp_path / "node"
    np.savez(file, X=np.ones((4, 1, 6, 1), np.float32), y=np.array([0, 1, 0, 1]))
    code, out = say(
        capsys, "join", folder, "--windows", file, "--use-case", "activity", "--classes", 2
    )
    assert code == 0
    assert str(folder / "node.pub") in out
    assert (folder / "node.key").stat().st_mode & 0o777 == 0o600
    assert np.load(folder / "windows.npz")["X"].shape == (4, 1, 6, 1)
    key = (folder / "node.pub").read_bytes()
    assert say(capsys, "join", folder)[0] == 0
    assert (folder / "node.pub").read_bytes() == key
