"""A new use case is one file that keeps the contract; what breaks it is said in a line."""

import numpy as np
import pytest

from edgekit import usecases
from edgekit.cli import main
from edgekit.core.errors import EdgekitError
from edgekit.testing import usecase as suite
from tests.usecases import complete


def broken(root, old, new):
    """The first line about a use case in which one text was replaced by another."""
    assert old in complete.USECASE
    complete.add(root, complete.USECASE.replace(old, new, 1))
    with pytest.raises(EdgekitError) as refusal:
        usecases.load("tones", root)
    return str(refusal.value)


def test_a_new_use_case_is_one_file_and_the_command_says_that_it_will_do(
    tmp_path, monkeypatch, capsys
):
    complete.add(tmp_path)
    monkeypatch.chdir(tmp_path)
    assert main(["check", "tones"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 1 + len(suite.CONTRACT)
    assert not [line for line in lines if not line.startswith("✓")]


@pytest.mark.parametrize(
    ("old", "new", "line"),
    [
        ("WAVE_LABEL =", "WAV_LABEL =", "does not define WAVE_LABEL. Did you mean 'WAV_LABEL'?"),
        ("teacher_input =", "waveform =", "waveform is called teacher_input now"),
        ('"repeats"', '"deals"', 'SWEEP["deals"] is called SWEEP["repeats"] now'),
        ("signal.Moments(window=WINDOW, channels=1)", "signal.Part(None, 1)", "signal.Part is called"),
        ("from edgekit import data,", "from edgekit.data import bring\nfrom edgekit import data,",
         "line 5: edgekit.data.bring is called edgekit.bring now"),
        ("RATE = 100", "RATE = data.simulate.LAB", "data.simulate is called simulators.bearings now"),
        ("from edgekit import data,", "from edgekit.data import mitbih\nfrom edgekit import data,",
         "edgekit.data.mitbih is called edgekit.datasets.mitbih now"),
        ('("low", "high")', '("low", "low")', "CLASSES has 'low' twice"),
        ('("low", "high")', '("low",)', "CLASSES has 1 name: a classifier needs two"),
        ('("low", "high")', '"low"', "CLASSES must be a tuple of class names"),
        ("NORMAL = None", 'NORMAL = "quiet"', "NORMAL is 'quiet', which is not in CLASSES"),
        ("RATE = 100", "RATE = -1", "RATE must be a number of Hz above 0, is -1"),
        ("RATE = 100", 'RATE = float("nan")', "RATE must be a number of Hz above 0, is nan"),
        ("RATE = 100", 'RATE = "100"', "RATE must be a number of Hz above 0, is '100'"),
        ("2 / 32768", "0", "SENSITIVITY must be units a count above 0, or None"),
        ("Moments(window=WINDOW", "Moments(window=32", "features takes windows of 32 samples, WINDOW is 64"),
        ("signal.Moments(window=WINDOW, channels=1)", "signal.RectifiedSpectrum(200, WINDOW, 2, lines=4)",
         "features is made for 200 Hz, RATE is 100"),
        ("signal.InRange(WINDOW, offset=(0.0,), span=(2.0,))", "len", "teacher_input must be a step of"),
        ("range(4)", "range(3)", "FEATURE_AXIS has 3 values, features has 4 to draw"),
        ("range(4))", 'range(4))\nCHANNELS = ("ax",)', "CHANNELS must be (name, unit) of each channel"),
        (
            "range(4))",
            'range(4))\nFEATURE_CHANNELS = ("a", "b")',
            "FEATURE_CHANNELS names 2, features has 1 channels",
        ),
        ("MARKS = {}", 'MARKS = {"filed": {}}', "MARKS has a domain 'filed'. Did you mean 'field'?"),
        ('"narrow": 1', '"narow": 1', "WIDTHS lacks 'narrow'. Did you mean 'narow'?"),
        ('"teacher": 4', '"teacher": 0.5', 'WIDTHS["teacher"] must be a width, is 0.5'),
        ('("quick", "full")\n}', '("quick",)\n}', "FIT lacks 'full'"),
        ('"epochs": 2', '"epoch": 2', "FIT[\"quick\"][\"teacher\"] lacks 'epochs'. Did you mean 'epoch'?"),
        ("def augment(X, rng)", "def augment(X)", "augment cannot be called as augment(X, rng)"),
        ("def prepare(recording):\n    return recording", "prepare = 3", "prepare must be a function, is 3"),
        ("ALIGN = {}", 'ALIGN = {"a": 1}', "ALIGN must map names to functions"),
        ("ALIGN = {}", 'ALIGN = {}\nSEARCH = {"features": {"features": features}}', "those are taken"),
        ("ALIGN = {}", "ALIGN = {}\nBY_CLASS = 1", "BY_CLASS must be True or False"),
        ("import numpy as np", "import nunpy as np", "cannot be loaded: ModuleNotFoundError"),
        ("CLASSES = (", "CLASSES = ((", "cannot be loaded: SyntaxError"),
    ],
)  # fmt: skip
def test_what_a_file_gets_wrong_is_one_line_when_it_is_loaded(tmp_path, old, new, line):
    said = broken(tmp_path, old, new)
    assert line in said
    assert "usecase.py" in said
    assert "\n" not in said


def test_all_that_is_wrong_is_listed_by_the_command(tmp_path):
    said = broken(tmp_path, "NORMAL = None\nRATE = 100", "NORMAL = 1\nRATE = 0")
    assert "(1 more: edgekit check tones)" in said
    wrong = [o.wrong for o in suite.check("tones", tmp_path)]
    assert [w.split()[0] for w in wrong] == ["NORMAL", "RATE"]


@pytest.mark.parametrize(
    ("old", "new", "what", "line"),
    [
        ('"tones"', '"sounds"', "recordings", "no data card 'sounds'"),
        ("RATE, label, name, domain", 'RATE, label, name, "lab"', "recordings", "is of 'field'"),
        ("RATE, label, name", 'RATE, "loud", name', "recordings", "'loud', which is not in CLASSES"),
        ("RATE, label, name", 'RATE, "low", name', "windows", "hold none of ['high']"),
        ("data.window(recordings, CLASSES, WINDOW, WINDOW)",
         "data.window(recordings, CLASSES[::-1], WINDOW, WINDOW)", "windows", "not CLASSES"),
        ("from edgekit.data import by_group as split",
         "from edgekit.data import random_split_leaky as split", "splits", "it leaks"),
        ("X + rng.normal(0, 0.05, X.shape)", "X", "augmentation", "changes nothing"),
        ("X + rng.normal(0, 0.05, X.shape)", "X + np.random.normal(0, 0.05, X.shape)", "augmentation",
         "other windows with the same generator"),
        ("    return (X + rng", "    X += 1\n    return (X + rng", "augmentation", "that it is given"),
        ("features(X).reshape(len(X), -1)", "features(X)", "inputs of the networks", "not a table"),
        ("ALIGN = {}", 'ALIGN = {}\nSEARCH = {"kernle": [3]}', "inputs of the networks", "'kernel'"),
        ("    return recording\n", "    return 1 / 0\n", "windows", "ZeroDivisionError"),
    ],
)  # fmt: skip
def test_what_a_use_case_does_wrong_is_one_line_of_its_check(
    tmp_path, monkeypatch, old, new, what, line
):
    assert old in complete.USECASE
    complete.add(tmp_path, complete.USECASE.replace(old, new, 1))
    monkeypatch.chdir(tmp_path)
    subject = suite.Subject(usecases.load("tones", tmp_path))
    outcome = suite._outcome(what, suite.CONTRACT[what], subject)
    assert line in outcome.wrong
    assert "\n" not in outcome.wrong


def test_a_twin_in_c_that_differs_by_a_bit_is_found(tmp_path, monkeypatch):
    complete.add(tmp_path)
    subject = suite.Subject(usecases.load("tones", tmp_path))
    made = suite.in_c
    monkeypatch.setattr(suite, "in_c", lambda step, X: made(step, X) * np.float32(1 + 2**-23))
    with pytest.raises(EdgekitError, match=r"\d+ of \d+ values of its C differ"):
        suite.check_c(subject)


def test_a_target_that_is_chosen_is_seen_at_once(tmp_path):
    own = "\n\ndef choose(target):\n    global MARKS\n    MARKS = {'field': {target: 1.0}}\n"
    complete.add(tmp_path, complete.USECASE + own)
    case = usecases.load("tones", tmp_path)
    assert case.MARKS == {}
    usecases.choose(case, "hum")
    assert case.MARKS == {"field": {"hum": 1.0}}
