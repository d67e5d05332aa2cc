"""The queue: who is asked for what, and what several people say; out to Label Studio and back."""

import contextlib
import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edgekit.cloud.database import open_database
from edgekit.core.errors import EdgekitError
from edgekit.labels import Queue, choose_windows, estimate, label_studio
from edgekit.labels.queue import coverage_order

CLASSES = ("idle", "row", "<b>&\"'")
N = 40
CONFIDENCE = np.linspace(0.3, 0.99, N)
DISTANCE = np.linspace(2, 1, N)


@pytest.fixture
def engine(tmp_path):
    made = open_database(tmp_path / "fleet.db")
    yield made
    made.dispose()


def filled(connection, count=12, needed=1):
    queue = Queue(connection, CLASSES, needed)
    chosen = choose_windows(CONFIDENCE, DISTANCE, count, np.random.default_rng(0))
    answers = np.arange(N) % 3, CONFIDENCE, DISTANCE
    queue.add("dev-1", 3, chosen, answers, lambda row: (f"key-{row}", 100))
    return queue


def test_random_and_telling_samples_come_in_turn_and_disputed_ones_first(engine):
    with engine.begin() as connection:
        queue = filled(connection, needed=2)
        order = queue.next("ann", 99)
        assert [s.reason == "random" for s in order[:6]] == [True, False] * 3
        assert [s.reason for s in order if s.reason != "random"][:2] == ["uncertain", "novel"]
        queue.answer(order[5].id, "ann", "idle")
        assert not queue.done(queue.all()[order[5].id - 1])
        queue.answer(order[5].id, "bob", "row")
        assert queue.next("eve", 1)[0].id == order[5].id  # two disagree: whoever has not seen it
        assert order[5].id not in {s.id for s in queue.next("ann", 99)}
        queue.answer(order[5].id, "eve", "row")
        assert order[5].id not in {s.id for s in queue.open()}


def test_a_second_word_of_the_same_person_counts_and_can_be_taken_back(engine):
    with engine.begin() as connection:
        queue = filled(connection)
        sample = queue.next("ann")[0].id
        queue.answer(sample, "ann", "idle")
        queue.answer(sample, "ann", "row")
        assert queue.votes() == {sample: {"ann": "row"}}
        queue.take_back(sample, "ann")
        assert queue.votes() == {}


def test_only_random_samples_speak_of_accuracy(engine):
    with engine.begin() as connection:
        queue = filled(connection, 20)
        for s in queue.open():
            right = CLASSES[s.predicted]
            queue.answer(s.id, "ann", right if s.reason == "random" else CLASSES[s.predicted - 1])
        right, weight = queue.random()
        assert len(right) == 10
        assert right.all()
        assert weight == pytest.approx(4.0)
        assert estimate(right, weight).share == 1


def test_what_nobody_may_say_is_refused(engine):
    with engine.begin() as connection:
        queue = filled(connection)
        for sample, name, label, words in (
            (1, "ann", "rwo", "Did you mean"),
            (99, "ann", "row", "no sample 99"),
            (1, "../x", "row", "cannot name an annotator"),
        ):
            with pytest.raises(EdgekitError, match=words):
                queue.answer(sample, name, label)
        assert queue.votes() == {}
        with pytest.raises(EdgekitError, match="64 characters"):
            Queue(connection, ("a", "b" * 65))


def test_each_sample_is_far_from_those_that_were_labelled():
    rng = np.random.default_rng(0)
    centres = np.array([[0.0, 0.0], [10, 0], [0, 10], [10, 10]])
    X = np.concatenate([c + 0.1 * rng.normal(size=(10, 2)) for c in centres])
    order = coverage_order(X, centres[:1])
    assert sorted(order) == list(range(40))
    assert {i // 10 for i in order[:3]} == {1, 2, 3}  # each other heap before a second of any
    with pytest.raises(EdgekitError, match="finite"):
        coverage_order(np.full((3, 2), np.nan), X[:0])


def test_features_order_the_queue(engine):
    with engine.begin() as connection:
        queue = filled(connection, 12)
        first = next(s for s in queue.open() if s.reason != "random")
        queue.answer(first.id, "ann", "idle")
        same = lambda found: np.array([[float(s.id == 12)] for s in found])  # noqa: E731
        telling = [s.id for s in queue.next("ann", 99, same) if s.reason != "random"]
        assert telling[0] == 12


# ------------------------------------------------------------------------------------ Label Studio


def window(sample):
    return np.arange(12.0).reshape(4, 3) + sample.id


def exported(queue):
    return label_studio.tasks(queue.all(), queue, window, 50)


def test_what_goes_out_comes_back(engine):
    with engine.begin() as connection:
        queue = filled(connection)
        queue.answer(2, "ann@site", CLASSES[2])
        tasks = json.loads(json.dumps(exported(queue)))
        assert tasks[0]["data"]["signal"]["time"] == [0, 0.02, 0.04, 0.06]
        assert tasks[0]["data"]["signal"]["c1"] == [2, 5, 8, 11]
        found = label_studio.read(json.dumps(tasks).encode(), CLASSES)
        assert [(g.sample, g.annotator, g.label) for g in found.given] == [
            (2, "ann@site", CLASSES[2])
        ]
        before = queue.votes()
        label_studio.take(queue, found)
        assert queue.votes() == before


def test_the_configuration_escapes_what_classes_are_called():
    from xml.etree import ElementTree

    tree = ElementTree.fromstring(label_studio.configuration(CLASSES, ["x & <y>"]))
    assert [c.get("value") for c in tree.iter("Choice")] == list(CLASSES)
    assert tree.find("TimeSeries/Channel").get("legend") == "x & <y>"


def annotated(**changes):
    one = {
        "completed_by": 7,
        "result": [
            {
                "from_name": "class",
                "to_name": "window",
                "type": "choices",
                "value": {"choices": ["row"]},
            }
        ],
    }
    return [{"id": 5, "data": {"edgekit_sample": 1}, "annotations": [one | changes]}]


def test_who_is_a_number_has_a_name_and_what_was_cancelled_is_counted():
    read = lambda tasks, name="": label_studio.read(json.dumps(tasks).encode(), CLASSES, name)  # noqa: E731
    assert read(annotated()).given[0].annotator == "user-7"
    assert read(annotated(), "ann").given[0].annotator == "ann"
    assert read(annotated(was_cancelled=True)).skipped == 1
    assert read(annotated(result=[])).skipped == 1


@pytest.mark.parametrize(
    ("tasks", "words"),
    [
        ({}, "a list of tasks"),
        ([[]], "task 1: expected an object"),
        ([{"data": {"edgekit_sample": "1"}}], "names no edgekit_sample"),
        ([{"data": {"edgekit_sample": True}}], "names no edgekit_sample"),
        (annotated(completed_by={"email": "<script>"}), "cannot name an annotator"),
        (annotated(result="row"), "list of results"),
        (
            annotated(result=[{"from_name": "class", "value": {"choices": ["x" * 999]}}]),
            "can be said",
        ),
        (
            annotated(result=[{"from_name": "class", "value": {"choices": ["row", "idle"]}}]),
            "can be",
        ),
        ([{"data": {"edgekit_sample": 1}, "annotations": [{}] * 101}], "at most 100"),
    ],
)
def test_a_strangers_file_is_refused_in_a_line(tasks, words):
    with pytest.raises(EdgekitError, match=words) as found:
        label_studio.read(json.dumps(tasks).encode(), CLASSES)
    assert "\n" not in str(found.value)
    assert len(str(found.value)) < 300


def test_what_is_no_json_is_refused():
    for data in (b"\xff", b"[1", b"[" * 100_000, b'[{"data": NaN}]'):
        with pytest.raises(EdgekitError):
            label_studio.read(data, CLASSES)


@settings(max_examples=100, deadline=None)
@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(max_size=5),
        lambda v: (
            st.lists(v, max_size=3)
            | st.dictionaries(
                st.sampled_from(
                    ["data", "annotations", "result", "value", "choices", "edgekit_sample"]
                ),
                v,
            )
        ),
        max_leaves=12,
    )
)
def test_any_json_is_read_or_refused(value):
    with contextlib.suppress(EdgekitError):
        label_studio.read(json.dumps([value]).encode(), CLASSES)


def test_a_sample_of_another_fleet_leaves_nothing_behind(engine):
    with engine.begin() as connection:
        filled(connection)
    tasks = [*annotated(), {**annotated()[0], "data": {"edgekit_sample": 999}}]
    found = label_studio.read(json.dumps(tasks).encode(), CLASSES)
    with pytest.raises(EdgekitError, match="no sample 999"), engine.begin() as connection:
        label_studio.take(Queue(connection, CLASSES), found)
    with engine.begin() as connection:
        assert Queue(connection, CLASSES).votes() == {}
