"""The picture at the head of a chapter: what goes in, what happens to it, what comes out."""

from __future__ import annotations

from dataclasses import dataclass
from textwrap import fill

import matplotlib.pyplot as plt
from matplotlib.axes import Axes

from edgekit.core.errors import EdgekitError
from edgekit.view.annotations import SMALL
from edgekit.view.palette import COLOURS, INK

WIDTH, HEIGHT, ACROSS, DOWN = 2.2, 0.85, 3.3, 1.3  # of a box, and from one to the next
LETTERS = 18  # that fit a box's line
DATA, STEP, RESULT = 0, 3, 2  # what a box is, by its colour: comes in, is done, comes out
BEHIND = {"facecolor": "white", "edgecolor": "none", "pad": 0.5}  # words on an arrow


@dataclass(frozen=True)
class Diagram:
    """boxes: name -> (column, row, kind, text); rows may be halves. arrows: (from, to, words on it)."""

    title: str
    boxes: dict[str, tuple[float, float, int, str]]
    arrows: tuple[tuple[str, str, str], ...]


DIAGRAMS = {
    "design": Diagram(
        "Design: from a question to a board",
        {
            "ask": (0, 0, DATA, "one question, and what a wrong answer costs"),
            "budget": (1, 0, STEP, "budget: a limit and a reason a line"),
            "boards": (1, 1, DATA, "catalogue: boards, links, sources"),
            "select": (2, 0.5, STEP, "hold every board against every line"),
            "board": (3, 0, RESULT, "a board, and why not the others"),
            "place": (3, 1, RESULT, "device, gateway or cloud"),
        },
        (
            ("ask", "budget", ""),
            ("budget", "select", ""),
            ("boards", "select", ""),
            ("select", "board", "power, memory"),
            ("select", "place", "latency, air"),
        ),
    ),
    "collect": Diagram(
        "Collect: two worlds, whole groups",
        {
            "lab": (0, 0, DATA, "lab: cheap, often simulated"),
            "field": (0, 1, DATA, "field: real, dear"),
            "inspect": (1, 0.5, STEP, "inspect: clipped, copied, wrong rate?"),
            "windows": (2, 0.5, STEP, "windows, each with its group"),
            "train": (3, -0.4, RESULT, "training groups"),
            "val": (3, 0.5, RESULT, "validation groups: choose here"),
            "test": (3, 1.4, RESULT, "test groups: look once"),
        },
        (
            ("lab", "inspect", ""),
            ("field", "inspect", ""),
            ("inspect", "windows", "one rate"),
            ("windows", "train", ""),
            ("windows", "val", "by group"),
            ("windows", "test", ""),
        ),
    ),
    "adapt": Diagram(
        "Adapt: what moved between the worlds?",
        {
            "lab": (0, 0, DATA, "lab windows, with labels"),
            "field": (0, 1, DATA, "field windows, without labels"),
            "align": (1, 0.5, STEP, "a method moves one towards the other"),
            "classifier": (2, 0.5, STEP, "classifier learns from the lab"),
            "rule": (3, 0, RESULT, "a rule that hears no label: choose, or abstain"),
            "score": (3, 1, RESULT, "scores on groups never heard"),
        },
        (
            ("lab", "align", ""),
            ("field", "align", ""),
            ("align", "classifier", ""),
            ("classifier", "rule", ""),
            ("classifier", "score", "labels, afterwards"),
        ),
    ),
    "train": Diagram(
        "Train: two ways of hearing the same window",
        {
            "window": (0, 0.5, DATA, "a window of the sensor"),
            "features": (1, 1, STEP, "features: what physics knows"),
            "teacher": (2, 0, STEP, "teacher: raw signal, large"),
            "student": (2, 1, STEP, "student: features, small"),
            "scores": (3, 0.5, RESULT, "scores, with intervals over groups"),
        },
        (
            ("window", "teacher", ""),
            ("window", "features", ""),
            ("features", "student", ""),
            ("teacher", "scores", ""),
            ("student", "scores", ""),
        ),
    ),
    "compress": Diagram(
        "Compress: every attempt a row, validation decides",
        {
            "teacher": (0, 0, DATA, "teacher: the reference"),
            "student": (0, 1, DATA, "student"),
            "distil": (1, 0, STEP, "distil: learn from its answers"),
            "prune": (1, 1, STEP, "prune channels, weights; cluster"),
            "round": (2, 0.5, STEP, "eight bits: after or during training"),
            "ledger": (3, 0, RESULT, "ledger: bytes, instructions, loss"),
            "choice": (3, 1, RESULT, "one int8 file, golden outputs"),
        },
        (
            ("teacher", "distil", ""),
            ("student", "prune", ""),
            ("distil", "round", ""),
            ("prune", "round", ""),
            ("round", "ledger", "compiled, counted"),
            ("ledger", "choice", ""),
        ),
    ),
    "export": Diagram(
        "Export: the same bytes, three times",
        {
            "file": (0, 0.5, DATA, "model.tflite, golden inputs"),
            "tflm": (1, -0.4, STEP, "TFLM, the reference"),
            "c": (1, 0.5, STEP, "C99: network, features, self-test"),
            "host": (2, 0.5, STEP, "compiled for this machine: all windows"),
            "core": (2, 1.4, STEP, "compiled for the core: emulated"),
            "parity": (3, 0, RESULT, "0 bytes that differ"),
            "cost": (3, 1.4, RESULT, "flash, RAM, instructions"),
        },
        (
            ("file", "tflm", ""),
            ("file", "c", ""),
            ("c", "host", ""),
            ("c", "core", ""),
            ("tflm", "parity", ""),
            ("host", "parity", ""),
            ("core", "parity", ""),
            ("core", "cost", ""),
        ),
    ),
    "ota": Diagram(
        "Update: the device believes nobody",
        {
            "old": (0, 0, DATA, "released model"),
            "new": (0, 1, DATA, "retrained model"),
            "delta": (1, 0.5, STEP, "difference, manifest, signature"),
            "radio": (2, 0.5, DATA, "blocks over the radio"),
            "check": (3, 0.5, STEP, "agent: signature, number, digest, self-test"),
            "on": (4, 0, RESULT, "confirmed: the new slot runs"),
            "off": (4, 1, RESULT, "refused or failed: the old one goes on"),
        },
        (
            ("old", "delta", ""),
            ("new", "delta", ""),
            ("delta", "radio", ""),
            ("radio", "check", ""),
            ("check", "on", ""),
            ("check", "off", ""),
        ),
    ),
    "fleet": Diagram(
        "Fleet: the week of a model that is kept alive",
        {
            "devices": (0, 0.5, DATA, "devices answer; something drifts"),
            "notice": (1, 0, STEP, "notice: 64 bytes of sketch"),
            "label": (2, 0, STEP, "label: few windows, some at random"),
            "retrain": (3, 0, STEP, "retrain on the released grid"),
            "gate": (3, 1, STEP, "gate: better in every cohort?"),
            "roll": (2, 1, STEP, "roll out: canaries, a tenth, all"),
            "watch": (1, 1, RESULT, "watch, confirm or take back"),
        },
        (
            ("devices", "notice", ""),
            ("notice", "label", ""),
            ("label", "retrain", ""),
            ("retrain", "gate", ""),
            ("gate", "roll", ""),
            ("roll", "watch", ""),
            ("watch", "devices", ""),
        ),
    ),
    "federate": Diagram(
        "Federate: the model travels, recordings stay",
        {
            "server": (0, 0.5, STEP, "server: a model"),
            "one": (1, -0.4, DATA, "client: its recordings"),
            "two": (1, 0.5, DATA, "client: its recordings"),
            "three": (1, 1.4, DATA, "client: its recordings"),
            "mean": (2, 0.5, STEP, "weighted mean, or one that stands a liar"),
            "device": (3, 0.5, RESULT, "int8, parity, signed difference"),
        },
        (
            ("server", "one", ""),
            ("server", "two", "weights"),
            ("server", "three", ""),
            ("one", "mean", ""),
            ("two", "mean", "change"),
            ("three", "mean", ""),
            ("mean", "device", "after the rounds"),
        ),
    ),
}


def plot_chapter(name: str) -> Axes:
    """The diagram of the chapter `name` ("design", "collect" …): blue comes in, orange is done, green comes
    out. Returns the axes. Raises EdgekitError where there is no such diagram.
    """
    if name not in DIAGRAMS:
        raise EdgekitError(f"no diagram {name!r}; there are {', '.join(DIAGRAMS)}")
    shown = DIAGRAMS[name]
    columns, rows = zip(*((c, r) for c, r, *_ in shown.boxes.values()), strict=True)
    wide, high = ACROSS * max(columns) + WIDTH, DOWN * (max(rows) - min(rows)) + HEIGHT
    _, axes = plt.subplots(figsize=(0.85 * wide, 0.85 * (high + 0.7)))
    places = {key: (ACROSS * c, -DOWN * r) for key, (c, r, *_) in shown.boxes.items()}
    for key, (_, _, kind, text) in shown.boxes.items():
        (x, y), tone = places[key], COLOURS[kind]
        box = plt.Rectangle((x, y), WIDTH, HEIGHT, facecolor=f"{tone}22", edgecolor=tone, lw=1.5)
        axes.add_patch(box)
        lines = fill(text, LETTERS)
        axes.text(x + WIDTH / 2, y + HEIGHT / 2, lines, ha="center", va="center", fontsize=9)
    for begin, end, words in shown.arrows:
        _arrow(axes, places[begin], places[end], words)
    axes.set(xlim=(-0.1, wide + 0.1), title=shown.title)
    axes.set(ylim=(-DOWN * max(rows) - 0.15, -DOWN * min(rows) + HEIGHT + 0.15))
    axes.set_axis_off()
    return axes


def _arrow(axes: Axes, begin: tuple, end: tuple, words: str) -> None:
    """From the side of one box to the facing side of the other."""
    (x0, y0), (x1, y1) = begin, end
    if x0 == x1:  # one above the other
        down = y1 < y0
        ends = (
            (x0 + WIDTH / 2, y0 if down else y0 + HEIGHT),
            (x1 + WIDTH / 2, y1 + HEIGHT if down else y1),
        )
    else:
        right = x1 > x0
        ends = (
            (x0 + WIDTH if right else x0, y0 + HEIGHT / 2),
            (x1 if right else x1 + WIDTH, y1 + HEIGHT / 2),
        )
    axes.annotate("", ends[1], ends[0], arrowprops={"arrowstyle": "->", "color": INK})
    x, y = ((a + b) / 2 for a, b in zip(*ends, strict=True))
    axes.text(x, y, fill(words, 10), ha="center", va="center", fontsize=SMALL, bbox=BEHIND)
