"""Which variant of a ledger is deployed: by the budget's own gate, and by nothing the test groups said."""

import pandas as pd
import pytest

from edgekit import learn
from edgekit.core.errors import EdgekitError
from edgekit.design import Budget
from edgekit.learn.scores import CrossValidation, Score


def rows(*values):
    columns = ["variant", "type", "val_accuracy", "accuracy", "val_loss_points", "stripped_bytes"]
    table = pd.DataFrame(values, columns=columns)
    return table.assign(ratio=40_000 / table.stripped_bytes)


TABLE = rows(
    ("teacher", "float32", 1.0, 1.0, 0.0, 40_000),
    ("small, poor", "int8", 0.90, 1.0, 10.0, 900),
    ("small, good", "int8", 0.97, 0.1, 3.0, 1_500),
    ("as small, better", "int8", 0.99, 0.1, 1.0, 1_510),
    ("large, best", "int8", 1.0, 1.0, 0.0, 9_000),
)


@pytest.mark.parametrize(
    ("floor", "loss", "wanted"),
    [
        (0.95, 0.02, "as small, better"),
        (0.95, 0.001, "large, best"),
        (0.8, 0.2, "small, poor"),
        (None, None, "small, poor"),
        (0.999, None, "large, best"),
    ],
)
def test_pick_takes_the_smallest_that_passes(floor, loss, wanted):
    assert learn.pick(TABLE, Budget(accuracy_floor=floor, accuracy_loss=loss)) == wanted


def test_pick_wants_the_ratio_first_where_it_can_be_had():
    strict = {"accuracy_floor": 0.95, "accuracy_loss": 0.001}
    assert learn.pick(TABLE, Budget(**strict, size_ratio=20)) == "as small, better"
    assert learn.pick(TABLE, Budget(**strict, size_ratio=1_000)) == "large, best"


@pytest.mark.parametrize(
    ("room", "wanted"), [(20_000, "small, poor"), (40_000, "as small, better")]
)
def test_pick_saves_no_flash_that_nobody_misses(room, wanted):
    table = TABLE.assign(app_flash_bytes=TABLE.stripped_bytes)
    assert learn.pick(table, Budget(flash_bytes=room)) == wanted


def test_pick_does_not_look_at_the_test_recordings():
    budget = Budget(accuracy_floor=0.95, accuracy_loss=0.02)
    for value in (0.0, 1.0):
        assert learn.pick(TABLE.assign(accuracy=value), budget) == "as small, better"


@pytest.mark.parametrize("line", ["app_flash_bytes", "app_ram_bytes", "model_bytes", "latency_ms"])
def test_pick_takes_nothing_that_surely_misses_a_line(line):
    table = TABLE.assign(**{line: TABLE.stripped_bytes})
    assert learn.pick(table, Budget(accuracy_floor=0.95)) == "as small, better"
    budget = Budget(accuracy_floor=0.95, **{line.removeprefix("app_"): 1_505})
    assert learn.pick(table, budget) == "small, good"


def test_pick_does_not_take_what_nobody_could_score_for_good():
    unknown = TABLE.assign(val_accuracy=TABLE.val_accuracy.where(TABLE.variant == "large, best"))
    assert learn.pick(unknown, Budget(accuracy_floor=0.5)) == "large, best"


def test_the_loss_of_a_recipe_on_more_groups_goes_first():
    row = TABLE.assign(loss_points=3.0).iloc[1]
    assert learn.accuracy_loss(row, 5).value == 0.03
    recipe, teacher = (Score(a, a, a, (), a, {}, {}, (), 400, 20) for a in (0.94, 0.95))
    repeated = CrossValidation(recipe, teacher)
    assert learn.accuracy_loss(row, 5, CrossValidation(recipe)).value == 0.03  # with no teacher
    loss = learn.accuracy_loss(row, 5, repeated)
    assert round(loss.value, 12) == 0.01
    assert "20 groups" in loss.source


def test_pick_without_a_good_one_takes_the_most_accurate_and_without_int8_says_so():
    budget = Budget(accuracy_floor=1.0)
    assert learn.pick(TABLE.assign(val_accuracy=TABLE.val_accuracy - 0.1), budget) == "large, best"
    with pytest.raises(EdgekitError, match="int8"):
        learn.pick(TABLE[TABLE.type == "float32"], budget)
