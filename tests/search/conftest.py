"""A project with one tiny use case whose chapter 01 is done: tones of two pitches, to be told apart."""

import nbformat
import numpy as np
import pytest

from edgekit.data import by_group
from edgekit.data.windows import Windows
from edgekit.pipeline import artefacts
from edgekit.pipeline.manifest import file_hash, start_manifest, update_manifest
from edgekit.search import search_config
from tests.usecases import complete

USECASE = (
    complete.USECASE
    + """

from edgekit.learn.models import student  # noqa: E402

SENSITIVITY = 0.001
features = teacher_input = signal.UnitRms(64)
FEATURE_AXIS = ("time (samples)", range(64))
FIT = {p: {w: {"epochs": 3, "copies": 1, "rate": 0.02} for w in WIDTHS} for p in ("quick", "full")}
SEARCH = {
    "features": {"half": signal.Subwindow(signal.UnitRms(32), 64)},
    "depth": [0, 1, 2], "width": {"low": 2, "high": 6}, "quantize": ["int8"],
}


def augment(X, rng):
    return X + rng.normal(0, 0.1, X.shape).astype(X.dtype)
"""
)
DESIGN = """
[use_case]
name = "toy"
title = "Two tones"
question = "High or low?"
[budget]
flash_bytes = 65_536
latency_ms = 10
[hardware]
board = "stm32u5"
battery = "er14505"
link = "lorawan-eu868-dr3"
[duty]
inferences_per_hour = 6
"""


def tones(seed=0, recordings=6, each=8) -> Windows:
    rng = np.random.default_rng(seed)
    t, X, y, group = np.arange(64), [], [], []
    for c, period in enumerate((16, 5)):
        for r in range(recordings):
            for _ in range(each):
                wave = np.sin(2 * np.pi * (t / period + rng.random())) + rng.normal(0, 0.6, 64)
                X.append(wave)
                y.append(c)
                group.append(f"{c}-{r}")
    n = len(y)
    return Windows(
        X=np.float32(X)[:, :, None],
        y=np.array(y),
        classes=("low", "high"),
        group=np.array(group),
        domain=np.array(["field"] * n),
        origin=np.stack([np.arange(n), np.zeros(n, int)], axis=1),
        rate=50.0,
    )


@pytest.fixture(scope="session")
def project_folder(tmp_path_factory):
    root = tmp_path_factory.mktemp("project")
    (root / "notebooks").mkdir()
    for stem, writes in {"00_design": [], "01_collect": ["field.npz", "split.json"]}.items():
        nb = nbformat.v4.new_notebook(metadata={"edgekit": {"reads": [], "writes": writes}})
        nbformat.write(nb, root / "notebooks" / f"{stem}.ipynb")
    case = root / "usecases" / "toy"
    case.mkdir(parents=True)
    (case / "usecase.py").write_text(USECASE)
    (case / "design.toml").write_text(DESIGN)
    return root


@pytest.fixture
def config(project_folder, tmp_path, monkeypatch):
    """The SearchConfig of a fresh run of the toy, data collected."""
    monkeypatch.chdir(project_folder)
    monkeypatch.delenv("EDGEKIT_RUNS", raising=False)
    windows, run = tones(), tmp_path / "run"
    (run / "artefacts").mkdir(parents=True)
    windows.save(run / "artefacts" / "field.npz")
    artefacts.write(run / "artefacts" / "split.json", by_group(windows, seed=0), "split.json")
    start_manifest(run, "toy", "quick")
    outputs = {n: file_hash(run / "artefacts" / n) for n in ("field.npz", "split.json")}
    parameters = {"use_case": "toy", "profile": "quick", "seed": 0}
    update_manifest(run, "01_collect", {"parameters": parameters, "outputs": outputs})
    return search_config("toy", run_dir=str(run))
