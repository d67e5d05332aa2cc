"""Which windows a fleet asks a person about, what several say of them, and what the loop makes of that."""

from types import SimpleNamespace

import numpy as np
import pytest

from edgekit.cloud.database import open_database
from edgekit.emulate.samples import sensor_samples
from edgekit.fleet.labelling import (
    ask_oracles,
    draw_random,
    expected_errors,
    labelled,
    most_telling,
    random_shares,
)
from edgekit.fleet.notice import errors_rose
from edgekit.fleet.objects import Objects
from edgekit.labels import Queue, Sample, choose_windows

CLASSES = ("a", "b", "c")
NAMES = [f"dev-{i}" for i in range(6)]


@pytest.fixture
def found():
    rng = np.random.default_rng(0)
    return {
        n: {"predicted": np.zeros(40, int), "confidence": rng.random(40), "novelty": rng.random(40)}
        for n in NAMES
    }


@pytest.fixture
def connection(tmp_path):
    engine = open_database(tmp_path / "fleet.db")
    with engine.begin() as connection:
        yield connection
    engine.dispose()


def asked(connection, needed, n=60):
    queue = Queue(connection, CLASSES, needed)
    chosen = choose_windows(np.ones(n), np.ones(n), n, np.random.default_rng(0))
    answers = np.zeros(n, int), np.ones(n), np.ones(n)
    return queue, queue.add("dev-0", 1, chosen, answers, lambda row: ("0" * 64, 2), 5.0)


def test_random_windows_stand_for_all_and_most_are_of_devices_on_trial():
    rows = {n: np.arange(0, 40, 4) for n in NAMES}
    share = random_shares(rows, dict.fromkeys(NAMES, 0.1), NAMES[:2], 0.75)
    chosen = draw_random(rows, 12, share, np.random.default_rng(1))
    assert all(c.row % 4 == 0 and c.reason == "random" for _, c in chosen)
    of_trial = [c for n, c in chosen if n in NAMES[:2]]
    assert len(of_trial) == 9
    assert sum(c.weight for c in of_trial) == pytest.approx(20)
    assert sum(c.weight for _, c in chosen) == pytest.approx(60)


def test_random_windows_are_where_errors_are_expected_and_tell_the_truth_about_the_fleet():
    rows = {n: np.arange(40) for n in NAMES}
    expected = dict.fromkeys(NAMES, 0.02) | {"dev-3": 0.5}
    share = random_shares(rows, expected, [], 0.25)
    wrong = {n: np.arange(40) < (20 if n == "dev-3" else 0) for n in NAMES}
    found, of_drifted = [], []
    for seed in range(300):
        chosen = draw_random(rows, 24, share, np.random.default_rng(seed))
        assert len({(n, c.row) for n, c in chosen}) == len(chosen) == 24
        found.append(sum(c.weight * wrong[n][c.row] for n, c in chosen) / 240)
        of_drifted.append(sum(n == "dev-3" for n, _ in chosen))
    assert np.mean(of_drifted) == pytest.approx(
        12, abs=0.3
    )  # root of 0.5 over that of five times 0.02
    assert np.mean(found) == pytest.approx(20 / 240, abs=3 * np.std(found) / 300**0.5)
    alike = dict.fromkeys(NAMES, 1.0)
    evenly = [
        sum(c.weight * wrong[n][c.row] for n, c in draw_random(rows, 24, alike, np.random.default_rng(seed)))
        for seed in range(300)
    ]  # fmt: skip
    assert np.std(found) < 0.8 * np.std(evenly) / 240


def test_telling_windows_are_each_devices_own_and_go_where_errors_are_expected(found):
    rows = {n: np.arange(1, 40, 4) for n in NAMES}
    share = dict.fromkeys(NAMES, 0.1) | {"dev-3": 0.5}
    chosen = most_telling(found, rows, share, 20, np.random.default_rng(1))
    assert len({(n, c.row) for n, c in chosen}) == len(chosen) == 20
    assert all(c.row % 4 == 1 and c.reason in ("uncertain", "novel") for _, c in chosen)
    count = {name: [n for n, _ in chosen].count(name) for name in NAMES}
    assert count["dev-3"] == pytest.approx(10, abs=2)  # five of ten shares
    assert all(1 <= count[n] <= 3 for n in NAMES if n != "dev-3")
    one = next(c.row for n, c in chosen if n == "dev-3" and c.reason == "uncertain")
    assert found["dev-3"]["confidence"][one] == found["dev-3"]["confidence"][rows["dev-3"]].min()


def test_a_class_that_is_always_doubted_does_not_take_all_labels(found):
    rows = {n: np.arange(40) for n in NAMES}
    for answers in found.values():
        answers["predicted"] = np.arange(40) % 2
        answers["confidence"] = answers["novelty"] = np.where(np.arange(40) % 2, 0.9, 0.3)
    chosen = most_telling(found, rows, dict.fromkeys(NAMES, 1.0), 60, np.random.default_rng(1))
    assert 20 <= sum(c.row % 2 for _, c in chosen) <= 40


def test_a_drift_that_costs_nothing_is_soon_asked_about_no_more():
    def labelled_as(device, right, wrong):
        labels = ["a"] * right + ["b"] * wrong
        return [Sample(0, device, 1, "novel", 0, 1.0, 0.0, "", 1.0, {"ann": v}) for v in labels]

    known = labelled_as("harmless", 9, 0) + labelled_as("lost", 3, 6)
    names = ["harmless", "lost", "new", "quiet"]
    share = expected_errors(known, CLASSES, names, ["harmless", "lost", "new"])
    assert share["lost"] > share["new"] > share["quiet"] > share["harmless"]


def test_with_two_labellers_a_third_decides_and_what_stays_disputed_stays_open(connection):
    queue, ids = asked(connection, 2)
    ask_oracles(queue, dict.fromkeys(ids, "b"), 0.3, 5.0, np.random.default_rng(0))
    said = [len(s.said) for s in queue.all()]
    assert set(said) == {2, 3}
    done = [s for s in queue.all() if queue.done(s)]
    assert len(done) < len(ids) == len(done) + len(queue.open())
    wrong = np.mean([s.label != "b" for s in done])
    assert wrong < 0.2  # better than one of them alone, who errs in three of ten


def test_the_loop_learns_from_windows_whose_labels_are_done_and_reads_them_as_they_came(
    connection, tmp_path
):
    step = SimpleNamespace(window=4, channels=2)
    X = np.random.default_rng(0).normal(size=(6, 4, 2)).astype(np.float32)
    objects, queue = Objects(tmp_path / "objects"), Queue(connection, CLASSES, 2)

    def put(row):
        data = sensor_samples(step, 0.001, X[row]).tobytes()
        return objects.put(data), len(data)

    chosen = choose_windows(np.ones(6), np.ones(6), 6, np.random.default_rng(0))
    ids = queue.add("dev-0", 2, chosen, (np.zeros(6, int), np.ones(6), np.ones(6)), put)
    for name in ("ann", "bob"):
        queue.answer(ids[0], name, "c")
    queue.answer(ids[1], "ann", "a")
    program = SimpleNamespace(firmware=SimpleNamespace(step=step, sensitivity=0.001))
    old = SimpleNamespace(X=X, classes=CLASSES, domain=np.array(["field"]), rate=50.0)
    loop = SimpleNamespace(
        queue=lambda _: queue,
        old=old,
        objects=objects,
        site=SimpleNamespace(program=lambda: program),
    )
    windows, samples = labelled(connection, loop, random=True)
    assert [s.id for s in samples] == ids[:1]
    assert list(windows.y) == [2]
    assert np.abs(windows.X[0] - X[chosen[0].row]).max() <= 0.001
    assert not len(labelled(connection, loop, random=True, since=3)[0])
    assert not len(labelled(connection, loop, random=False)[0])


@pytest.mark.parametrize(
    ("before", "after", "reason", "rose"),
    [(0.05, 0.6, "random", True), (0.6, 0.05, "random", False), (0.05, 0.6, "novel", False)],
)
def test_errors_that_rise_are_noticed_by_random_labels_alone(before, after, reason, rose):
    rng = np.random.default_rng(0)
    found = [
        Sample(i, "dev", i // 14, reason, int(rng.random() < (before if i < 140 else after)), 1.0, 0.0, "",
               1.0, {"ann": "a"})
        for i in range(280)
    ]  # fmt: skip
    weeks = [w for w in range(8, 16) if errors_rose(found, CLASSES, w)]
    assert bool(weeks) == rose
    assert all(10 < w <= 14 for w in weeks)


def test_devices_that_are_asked_more_often_do_not_make_the_fleet_err_more():
    """One of ten always errs; from week 10 on half of the random labels are its own."""
    rng, found = np.random.default_rng(0), []
    for i in range(280):
        share = 0.1 if i < 140 else 0.5
        lost = rng.random() < share
        weight = 0.1 / share if lost else 0.9 / (1 - share)
        found.append(
            Sample(i, "dev", i // 14, "random", int(lost), 1.0, 0.0, "", weight, {"ann": "a"})
        )
    assert not any(errors_rose(found, CLASSES, w) for w in range(8, 20))
