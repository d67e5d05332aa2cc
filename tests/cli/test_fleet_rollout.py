"""`edgekit fleet rollout`: what a person sees of a rollout, and asks of it."""

import argparse

import pytest

from edgekit import rollout as ro
from edgekit.cli import fleet_rollout
from edgekit.cloud.database import open_database
from edgekit.core.errors import EdgekitError
from edgekit.rollout.waves import Policy
from tests.rollout import fleets


@pytest.fixture
def run(tmp_path):
    """The folder of a fleet whose canaries have release 2."""
    engine = open_database(tmp_path / "fleet.db")
    fleet = fleets.Fleet({f"d{i}": "c" for i in range(5)})
    fleets.history(fleet)
    with engine.begin() as connection:
        fleets.add_release(connection, 1, "released")
        fleets.add_release(connection, 2)
        ro.begin(connection, 2, fleet.cohorts, 4, Policy(labels=0))
        fleets.week_of(connection, fleet, 4)
    yield tmp_path, engine, fleet
    engine.dispose()


def say(*words) -> int:
    parser = argparse.ArgumentParser()
    fleet_rollout.add(parser.add_subparsers())
    args = parser.parse_args(["rollout", *map(str, words)])
    return args.do(args)


def test_it_says_where_the_release_is(run, capsys):
    assert say(run[0]) == 0
    out = capsys.readouterr().out
    assert "release 2, rollout 1: running, wave 1 of 3 since week 5" in out
    assert "5 devices: 1 trial, 4 waiting" in out


def test_a_command_waits_for_the_next_step_and_its_result_is_shown(run, capsys):
    folder, engine, fleet = run
    say(folder, "pause")
    assert "asked: pause: at the next step" in capsys.readouterr().out
    with engine.begin() as connection:
        fleets.week_of(connection, fleet, 5)
    say(folder)
    out = capsys.readouterr().out
    assert "paused" in out
    assert "asked: pause: paused" in out


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("puase",), "Did you mean 'pause'"),
        (("retry", "d9"), "no device 'd9'"),
        (("abort", "d1"), "for the whole rollout"),
        (("--rollout", "7"), "no rollout 7"),
    ],
)
def test_what_cannot_be_asked_is_said_in_a_line(run, words, said):
    with pytest.raises(EdgekitError, match=said):
        say(run[0], *words)


def test_a_folder_without_a_fleet_is_left_as_it_is(tmp_path):
    with pytest.raises(EdgekitError, match="holds no fleet"):
        say(tmp_path)
    assert not list(tmp_path.iterdir())
