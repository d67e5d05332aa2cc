"""The bars of the house can be missed: each of its checks finds what it is for."""

import json

import numpy as np
import pytest

from benchmarks.house import demo, imports, public


def undocumented(x: np.ndarray, rate: float, seed: int) -> np.ndarray:
    """Something of x."""
    if rate < 0:
        raise ValueError("negative")
    return x[seed:]


def documented(x: np.ndarray, rate: float, seed: int) -> np.ndarray:
    """The part of `x` (n, channels) after `seed` at `rate` Hz. Raises ValueError for a negative rate."""
    return undocumented(x, rate, seed)


def test_a_text_that_leaves_something_open_is_found():
    gaps = " ".join(public._gaps(undocumented, method=False))
    assert "parameter rate (float)" in gaps
    assert "no shape" in gaps
    assert "ValueError" in gaps
    assert not list(public._gaps(documented, method=False))


def test_public_functions_are_those_that_a_user_sees():
    names = {name for name, _ in public.public()}
    assert {"edgekit.api.models.quantize", "edgekit.export.source.Source.write"} <= names


@pytest.fixture
def manifest(tmp_path):
    """The recorded figures as a run of today would hold them."""
    steps = json.loads(demo.BEFORE.read_text(encoding="utf-8"))["steps"]
    for (step, old), new in demo.RENAMED.items():
        steps[step][new] = steps[step].pop(old)
    path = tmp_path / "manifest.json"

    def written(change=lambda steps: None):
        change(steps)
        path.write_text(json.dumps({"steps": {s: {"figures": f} for s, f in steps.items()}}))
        return path

    return written


def test_the_same_figures_are_equal(manifest):
    assert demo.differences(manifest()) == []


@pytest.mark.parametrize("what", [{"value": 1}, {"unit": "KB"}, {"provenance": "estimated"}])
def test_another_figure_is_a_difference(manifest, what):
    path = manifest(lambda steps: steps["05_export"]["flash_agent"].update(what))
    (line,) = demo.differences(path)
    assert line.startswith("05_export flash_agent: 17212 B (measured), now ")


def test_what_others_wrote_does_not_count_and_what_is_ours_does():
    files = imports.own_files()
    assert "edgekit/firmware/crypto/monocypher.c" not in files
    assert {"edgekit/firmware/crypto/ed25519.c", "edgekit/core/errors.py"} <= set(files)


def test_a_circle_is_found(tmp_path, monkeypatch):
    package = tmp_path / "ring"
    package.mkdir()
    (package / "__init__.py").touch()
    (package / "a.py").write_text("from ring import b\n")
    (package / "b.py").write_text("def later():\n    from ring import a\n    return a\n")
    monkeypatch.syspath_prepend(tmp_path)
    assert imports.circles("ring") == [["ring.a", "ring.b"]]
