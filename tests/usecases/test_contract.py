"""Every use case of the kit keeps the contract that the chapters rely on. No network, no TensorFlow."""

import numpy as np
import pytest

from edgekit import usecases
from edgekit.core import workspace
from edgekit.design import load as load_design
from edgekit.search import space
from tests.signal import compiled

NAMES = sorted(usecases.known(workspace.root()))
NEEDED = """CLASSES NORMAL RATE SENSITIVITY recordings prepare windows split folds augment features waveform
descriptor teacher student WIDTHS SWEEP FIT ALIGN FEATURE_AXIS FEATURE_LABEL WAVE_LABEL MARKS""".split()  # noqa: SIM905


@pytest.fixture(scope="module", params=NAMES)
def case(request):
    return usecases.load(request.param, workspace.root())


@pytest.fixture(scope="module")
def worlds(case):
    """The windows of lab and field as chapter 01 makes them offline."""
    return {
        domain: case.windows(
            [case.prepare(r) for r in case.recordings(domain, "quick", offline=True)], "quick"
        )
        for domain in ("lab", "field")
    }


def test_it_defines_every_name(case):
    for name in NEEDED:
        getattr(case, name)
    for profile in ("quick", "full"):
        for who in ("teacher", "student"):
            assert set(case.FIT[profile][who]) >= {"epochs", "copies", "rate"}
    assert set(case.SWEEP) == {"windows", "repeats", "seeds"}
    assert set(case.WIDTHS) == {"sweep", "teacher", "student", "wide", "narrow"}
    assert case.NORMAL is None or case.NORMAL in case.CLASSES


@pytest.mark.parametrize("name", NAMES)
def test_its_budget_can_be_read(name):
    assert (
        load_design(usecases.folder(name, workspace.root()) / "design.toml").use_case.name == name
    )


def test_both_worlds_share_classes_and_shape(case, worlds):
    lab, field = worlds["lab"], worlds["field"]
    assert lab.classes == field.classes == tuple(case.CLASSES)
    assert lab.X.shape[1:] == field.X.shape[1:]
    assert lab.X.dtype == np.float32
    assert set(lab.domain) == {"lab"}
    assert set(field.domain) == {"field"}


def test_splits_keep_groups_whole(case, worlds):
    field = worlds["field"]
    split = case.split(field, seed=0)
    parts = [set(field.group[getattr(split, p)]) for p in ("train", "val", "test")]
    assert all(parts)
    assert not parts[0] & parts[1] and not parts[0] & parts[2] and not parts[1] & parts[2]  # noqa: PT018
    tested = np.concatenate([f.test for f in case.folds(field, 3, 0)])
    assert len(tested) == len(set(tested))


def test_what_the_networks_hear_has_the_promised_shape(case, worlds):
    X = worlds["field"].X[:3]
    for preprocess in (case.features, case.teacher_input):
        heard = preprocess(X)
        assert heard.shape == (3, *preprocess.shape)
        assert heard.dtype == np.float32
        assert np.isfinite(heard).all()
    assert case.descriptor(X).shape[0] == 3
    assert case.descriptor(X).ndim == 2
    assert len(case.FEATURE_AXIS[1]) == case.features.shape[1]


def test_the_features_in_c_give_the_same_bits(case, worlds):
    X = worlds["field"].X[:3]
    truth = case.features(X).reshape(3, -1)
    got, _ = compiled.features(case.features, X)
    np.testing.assert_array_equal(compiled.bits(got), compiled.bits(truth))


def test_what_a_search_may_try_can_be_heard_and_built(case, worlds):
    X = worlds["field"].X[:3]
    assert case.SEARCH["features"], "a use case of the kit gives a search something to try"
    known = space.choices(case, case.features.shape, teacher=True)
    assert known["features"][0] == "features"
    for name, preprocess in space.variants(case).items():
        heard = preprocess(X)
        assert heard.shape == (3, *preprocess.shape), name
        assert np.isfinite(heard).all()
        delivered = preprocess.cut(X) if hasattr(preprocess, "cut") else X
        got, _ = compiled.features(preprocess, delivered)
        np.testing.assert_array_equal(compiled.bits(got), compiled.bits(heard.reshape(3, -1)))


def test_augmentation_keeps_shape_and_follows_the_generator(case, worlds):
    X = worlds["field"].X[:4]
    before = X.copy()
    first, again = (case.augment(X, np.random.default_rng(5)) for _ in range(2))
    assert first.shape == X.shape
    assert np.array_equal(first, again)
    assert np.array_equal(X, before), "the original was changed"
    assert not np.array_equal(first, X)
