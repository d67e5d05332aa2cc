from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

from edgekit.core.errors import EdgekitError
from edgekit.data.splits import folds_by_group
from edgekit.data.windows import Windows
from edgekit.learn import adapt
from edgekit.learn.adapt.labels import draw, validated, with_labels
from edgekit.learn.adapt.scores import Tally
from edgekit.learn.adapt.tables import Table, confidence_score

from .conftest import noise, spectrum, tones

REFERENCE = adapt.REFERENCE


def doubled(task):
    """A method of the use case alone: draws from rng, uses the target's mean."""
    moved = task.source_table + task.target.mean(axis=0) * task.rng.normal(0, 0.01)
    return np.concatenate([task.source_table, moved]), np.tile(task.source.y, 2)


CASE = SimpleNamespace(
    descriptor=lambda X: spectrum(X).reshape(len(X), -1).astype(float),
    augment=noise,
    ALIGN={"doubled": doubled},
    folds=folds_by_group,
)


def worlds():
    return renamed(tones(1, peaks=(5, 12, 24)), "lab"), tones(0)


def renamed(windows, word) -> Windows:
    return replace(windows, group=np.char.add(word, windows.group))


def without(windows, c) -> Windows:
    return windows[windows.y != c]


@pytest.fixture(scope="module")
def compared():
    pytest.importorskip("tensorflow")
    source, target = worlds()
    return adapt.compare(source, target, folds_by_group(target, 3, seed=0), CASE)


def poisoned(target, split):
    """The same target to whoever is given no label and no tested window."""
    X = target.X.copy()
    X[split.test] = np.nan
    return replace(target, X=X, y=np.random.default_rng(5).permutation(target.y))


def test_no_method_is_given_a_tested_window_or_any_target_label():
    pytest.importorskip("tensorflow")
    source, target = worlds()
    split = folds_by_group(target, 3, seed=0)[0]
    clean, dirty = (
        adapt.adaptation_task(source, w, split, CASE, 3) for w in (target, poisoned(target, split))
    )
    found = adapt.methods(CASE)
    assert {"CORAL", "doubled", "AdaBN", "DANN", "noise of the field"} <= set(found)
    for name, fit in found.items():
        one, two = (fit(h).probabilities(clean.target) for h in (clean, dirty))
        np.testing.assert_array_equal(one, two, err_msg=name)
        np.testing.assert_allclose(one.sum(axis=1), 1, atol=1e-5, err_msg=name)


def test_the_poison_bites_who_is_given_it():
    source, target = worlds()
    split = folds_by_group(target, 3, seed=0)[0]
    turned = replace(split, train=split.test, test=split.train)
    with pytest.raises(EdgekitError, match="NaN"):
        adapt.adaptation_task(source, poisoned(target, split), turned, CASE, 0)


def test_labels_are_given_of_training_windows_only():
    source, target = worlds()
    split = folds_by_group(target, 3, seed=0)[0]
    rows = np.concatenate([split.train, split.val])
    fits = adapt.methods(CASE, networks=False)

    def probabilities(w):
        task = adapt.adaptation_task(source, w, split, CASE, 0)
        fitted = {n: fits[n](task) for n in ("lab only", "CORAL")}
        variants = with_labels(fitted, "CORAL", task, w.y[rows])
        X = CASE.descriptor(target.X[rows])
        return {v.name: v.model.probabilities(X) for v in variants}

    y = target.y.copy()
    y[split.test] = (y[split.test] + 1) % 3
    X = target.X.copy()
    X[split.test] = np.nan
    clean, dirty = probabilities(target), probabilities(replace(target, X=X, y=y))
    for name, p in clean.items():
        np.testing.assert_array_equal(p, dirty[name], err_msg=name)


def test_the_same_person_in_the_lab_is_left_out_when_tested_in_the_field():
    source, target = worlds()
    source = replace(source, group=target.group)  # the same people
    split = folds_by_group(target, 3, seed=0)[0]
    task = adapt.adaptation_task(source, target, split, CASE, 0)
    assert len(task.source) < len(source)
    assert not set(task.source.group) & set(target.group[split.test])


def test_compare_keeps_every_row_with_its_interval(compared):
    table = compared.table.set_index("method")
    assert set(adapt.methods(CASE)) < set(table.index)
    assert table.index[0] == adapt.BASELINE
    assert table.index[-1] == REFERENCE
    assert table.lift.iloc[0] == 0
    assert table.gained.iloc[-1] == pytest.approx(1)
    assert (table.low <= table.balanced_accuracy + 1e-9).all()
    assert (table.balanced_accuracy <= table.high + 1e-9).all()
    assert table.loc[REFERENCE, "balanced_accuracy"] > 0.95
    assert table.chosen.sum() == pytest.approx(1)
    assert "subspace alignment" not in table.chosen.dropna()
    assert len(compared.why) == 3
    assert compared.row(adapt.Kind.CHOSEN_WITH_LABELS, shots=3).method == "chosen + 3 per class"
    with pytest.raises(KeyError, match="3 rows"):
        compared.row(adapt.Kind.FINE_TUNED)
    assert table.shots.iloc[-1] == np.inf
    assert list(table.kind)[-1] == adapt.Kind.REFERENCE


def test_more_labels_help_and_ten_come_near_all(compared):
    table = compared.table.set_index("method").balanced_accuracy
    assert table["chosen + 10 per class"] >= table["lab only"] + 0.2
    assert table["chosen + 10 per class"] > table[REFERENCE] - 0.1
    assert table["10 per class alone"] > table["1 per class alone"] - 0.05


def test_the_same_seed_gives_the_same_answers_and_another_does_not():
    pytest.importorskip("tensorflow")
    source, target = worlds()
    split = folds_by_group(target, 3, seed=0)[0]
    given = {}
    for attempt, seed in enumerate((0, 0, 1)):
        task = adapt.adaptation_task(source, target, split, CASE, seed)
        fits = adapt.methods(CASE)
        fitted = {n: fits[n](task) for n in ("noise of the field", "doubled", "DANN")}
        given[attempt] = {n: m.probabilities(task.target) for n, m in fitted.items()}
    for name in given[0]:
        np.testing.assert_array_equal(given[0][name], given[1][name], err_msg=name)
        assert not np.array_equal(given[0][name], given[2][name]), name


@pytest.mark.parametrize("lacking", ["lab", "field"])
def test_a_class_that_one_world_lacks(lacking):
    source, target = worlds()
    source, target = (
        (without(source, 2), target) if lacking == "lab" else (source, without(target, 2))
    )
    splits = adapt.grouped_folds(CASE, target, [0])
    table = adapt.compare(source, target, splits, CASE, networks=False).table
    assert np.isfinite(table.balanced_accuracy).all()
    assert ("recall high" in table) == (lacking == "lab")
    table, far = adapt.measure(source, target, CASE)
    assert np.isfinite(table.value).all()
    assert len(far) == 24


def test_a_field_of_two_recordings_a_class_is_dealt_in_two():
    target = tones(0, recordings=2, each=3)
    assert len(adapt.grouped_folds(CASE, target, [0, 1])) == 4
    source = renamed(tones(1, recordings=2, each=3), "lab")
    table = adapt.compare(
        source, target, adapt.grouped_folds(CASE, target, [0]), CASE, networks=False
    ).table
    assert len(table) == len(set(table.method))
    with pytest.raises(EdgekitError, match="group"):
        adapt.grouped_folds(CASE, tones(0, recordings=1), [0])


def test_nobody_claims_an_interval_for_a_class_with_one_group():
    y, group = np.array([0, 0, 1, 1]), np.array(["a", "b", "c", "c"])
    tally = Tally(y, group, ("a", "b"))
    tally.test(np.arange(4))
    tally.add("lab only", np.arange(4), np.array([0, 1, 1, 1]))
    row = tally.table("lab only").iloc[0]
    assert row.balanced_accuracy == 0.75
    assert np.isnan(row.low)
    assert np.isnan(row.high)


def test_intervals_know_that_windows_of_a_recording_are_one_witness():
    rng = np.random.default_rng(0)

    def width(groups):
        y, group = np.repeat([0, 1], 200), np.repeat(np.arange(2 * groups), 200 // groups)
        right = rng.random(2 * groups)[group] < 0.5
        tally = Tally(y, group.astype(str), ("a", "b"))
        tally.test(np.arange(400))
        tally.add("lab only", np.arange(400), np.where(right, y, 1 - y))
        row = tally.table("lab only").iloc[0]
        return row.high - row.low

    assert width(4) > 2 * width(100)


def test_a_set_is_not_far_from_itself():
    source, target = renamed(tones(0), "lab"), tones(0)
    table, far = adapt.measure(source, target, CASE)
    value = table.set_index("measure").value
    assert np.allclose(far, 0)
    assert value["domain classifier"] < 0.65
    assert value["mix of classes"] == 0
    loud = replace(target, X=target.X * 10)
    value = adapt.measure(source, loud, CASE)[0].set_index("measure").value
    assert value["domain classifier"] > 0.99


def test_the_confidence_score_prefers_answers_that_are_sure_and_all_given():
    sure = np.eye(3)[np.arange(30) % 3] * 0.97 + 0.01
    lost = np.tile(sure[:1], (30, 1))  # as sure, but one class for everything
    guess = np.full((30, 3), 1 / 3)
    assert confidence_score(sure) > 0.9
    assert abs(confidence_score(lost)) < 1e-9
    assert abs(confidence_score(guess)) < 1e-9


def test_draw_takes_each_class_and_more_shots_keep_the_first():
    y = np.array([0] * 20 + [1] * 4 + [2] * 20)
    few, more = draw(y, 3, 0), draw(y, 10, 0)
    assert np.bincount(y[few]).tolist() == [3, 3, 3]
    assert np.bincount(y[more]).tolist() == [10, 4, 10]
    assert set(few) <= set(more)


def test_one_line_for_what_cannot_be_compared():
    source, target = worlds()
    split = folds_by_group(target, 3, seed=0)[0]
    with pytest.raises(EdgekitError, match="other classes"):
        adapt.adaptation_task(replace(source, classes=("a", "b", "c")), target, split, CASE, 0)
    with pytest.raises(EdgekitError, match="no lab"):
        adapt.adaptation_task(
            replace(source, group=np.full(len(source), target.group[split.test][0])),
            target,
            split,
            CASE,
            0,
        )
    bad = SimpleNamespace(**{**vars(CASE), "descriptor": lambda X: X})
    with pytest.raises(EdgekitError, match="descriptor"):
        adapt.adaptation_task(source, target, split, bad, 0)


def test_a_few_labels_decide_whether_the_lab_is_worth_anything():
    _, target = worlds()
    split = folds_by_group(target, 3, seed=0)[0]
    rows = np.concatenate([split.train, split.val])
    few = draw(target.y[rows], 10, 0)
    of = target.y[rows][few]

    def right(source):
        task = adapt.adaptation_task(source, target, split, CASE, 0)
        fitted = {"lab only": Table(task.source_table, task.source.y, 3)}
        model = validated(fitted, task, few, of)
        predicted = model.probabilities(CASE.descriptor(target.X[split.test])).argmax(axis=1)
        return (predicted == target.y[split.test]).mean(), len(model.X)

    same = renamed(tones(3), "lab")
    misled = replace(same, y=(same.y + 1) % 3)  # a lab that has its labels wrong
    assert right(same)[0] > 0.95
    accuracy, rows = right(misled)
    assert accuracy > 0.9
    assert rows == len(few)  # the lab was forgotten


def test_the_pictures_show_every_row_and_every_class(compared):
    plt = pytest.importorskip("matplotlib.pyplot")
    from edgekit import view

    free = compared.table.confidence_score.notna().sum()
    assert len(view.plot_adaptation(compared).patches) == len(compared.table)
    points = sum(len(c.get_offsets()) for c in view.plot_method_choice(compared).collections)
    assert points == free
    lines = {line.get_label() for line in view.plot_shots(compared).get_lines()}
    assert {"these windows alone", "fine-tuned", "chosen method, given them", "lab only"} <= lines
    source, target = worlds()
    shown = SimpleNamespace(
        features=SimpleNamespace(shape=(1, 24, 1)), CLASSES=source.classes, FEATURE_LABEL="level (1)",
        FEATURE_AXIS=("line (Hz)", np.arange(24)), FEATURE_CHANNELS=(),
    )  # fmt: skip
    tables = [(CASE.descriptor(w.X), w.y) for w in (source, without(target, 1))]
    panels = view.plot_shift(shown, *tables)
    assert [len(axes.get_lines()) for axes in panels.flat] == [2, 1, 2]
    view.plot_shift(shown, *((X[:, :5], y) for X, y in tables))  # descriptors that are no features
    view.plot_distances(shown, np.ones(24))
    plt.close("all")
