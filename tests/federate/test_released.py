"""A released int8 network that clients teach: better where they are, a small update, the same scales."""

from dataclasses import replace

import numpy as np
import pytest

from edgekit.core.errors import EdgekitError
from tests.learn.conftest import noise, spectrum, tones

pytest.importorskip("tensorflow")
pytest.importorskip("flwr")
from edgekit import learn
from edgekit.federate import leaks, released
from edgekit.federate.plan import Plan
from edgekit.learn import litert
from edgekit.learn.update_cost import entropy

SHIFTED = (6, 13, 18)  # the clients' machines are other ones: every peak has moved
PLAN = Plan(rounds=4, epochs=2, rate=1.0)
ALLOWED = 50  # bytes: free, the update takes twice as many


@pytest.fixture(scope="module")
def base():
    windows = tones()
    model = learn.models.student((1, 24, 1), 3, 4, seed=0)
    fit = learn.fit(model, windows, spectrum, seed=0, augment=noise, epochs=6, rate=0.02)
    return litert.strip_metadata(learn.quantize(fit.model, spectrum(windows.X)))


@pytest.fixture(scope="module")
def clients(base):
    windows = tones(seed=11, peaks=SHIFTED, recordings=4)
    machines = np.array([name[-1] for name in windows.group])
    return released.int8_clients(base, replace(windows, group=machines), spectrum)


@pytest.fixture(scope="module")
def cost(base):
    return entropy(base, released.ReleasedNetwork(base).network.constants)


@pytest.fixture(scope="module")
def taught(base, clients, cost):
    return released.teach(base, clients, 3, PLAN, cost, ALLOWED)


def accuracy(tflite):
    others = tones(seed=12, peaks=SHIFTED)
    answers = litert.predict(tflite, spectrum(others.X))[0].argmax(axis=1)
    return (answers == others.y).mean()


def test_it_knows_the_clients_world_better_within_its_bytes(base, taught, cost):
    assert accuracy(taught.tflite) > accuracy(base) + 0.05
    assert 0.8 * ALLOWED < taught.bytes == cost(taught.tflite) <= ALLOWED
    assert 0 < taught.changed < 1


def test_only_integers_of_the_release_changed(base, taught):
    assert len(taught.tflite) == len(base)
    assert litert.quantization(taught.tflite) == litert.quantization(base)
    constants = released.ReleasedNetwork(base).network.constants
    free = np.zeros(len(base), bool)
    for c in constants:
        free[c.offset : c.offset + c.base.nbytes] = True
    old, new = (np.frombuffer(f, np.uint8) for f in (base, taught.tflite))
    assert not (old != new)[~free].any()


def test_no_window_is_in_a_message(taught, clients):
    assert leaks.windows_seen(taught.sent, clients) == 0
    assert len({m.payload for m in taught.sent if m.up and m.kind == "train"}) == 1


def test_the_same_seed_gives_the_same_bytes(base, clients, cost, taught):
    again = released.teach(base, clients, 3, PLAN, cost, ALLOWED)
    assert again.tflite == taught.tflite


@pytest.mark.parametrize(
    ("how", "says"),
    [
        ({"few": 1}, "needs 2 clients"),
        ({"allowed": -1}, "changes nothing"),
        ({"plan": replace(PLAN, strategy="FedProx")}, "without a pull"),
    ],
)
def test_what_cannot_be_taught_is_refused_in_one_line(base, clients, cost, how, says):
    some, allowed = clients[: how.get("few", 9)], how.get("allowed", 1e6)
    with pytest.raises(EdgekitError, match=says):
        released.teach(base, some, 3, how.get("plan", PLAN), cost, allowed)
