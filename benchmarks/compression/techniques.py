"""What each technique bought, read off the ledgers of chapter 04 at full.

Sizes: the float teacher's `.tflite`, the teacher being the smallest within 0.3 points by the width sweep of
chapter 03, over the flash that the deployed network takes, weights and code. A second figure adds the code of
the features. Points lost: teacher and deployed recipe both on three folds, each group tested once.
"""

from __future__ import annotations

from functools import partial

from benchmarks.bars import Bars
from edgekit import emulate, learn, usecases
from edgekit.core.workspace import Workspace
from edgekit.data.recordings import TARGET
from edgekit.design import load as load_design
from edgekit.pipeline import artefacts, execute
from edgekit.pipeline.manifest import artefact_path

SEED = 0


def bars(bars: Bars, names) -> None:
    """A use case at a time, then what is asked of several of them."""
    ratios, structured = {}, {}
    for name in names:
        directory, _ = execute.execute(name, profile="full", through="compress")
        table = artefacts.read(artefact_path(directory, "ledger.json")).table
        card = artefacts.read(artefact_path(directory, "model.json"))
        ratios[name] = deployed(bars, name, table, card)
        rounding(bars, name, table)
        structured[name] = channels(bars, name, table)
    far = [name for name, ratio in ratios.items() if ratio >= 40]
    bars.add(
        "use cases at 40 times or more",
        "≥ 2",
        f"{len(far)}: {', '.join(far) or '–'}",
        len(far) >= 2,
    )
    good = [name for name, met in structured.items() if met]
    bars.add("use cases where channels leave without loss", "≥ 2", f"{len(good)}: {', '.join(good) or '–'}",
             len(good) >= 2)  # fmt: skip


def in_short(bars: Bars, name: str = "activity") -> None:
    """The techniques on one network, one split and the windows of quick, without the chapters."""
    case = usecases.load(name, Workspace.find().folder)
    recordings = [case.prepare(r) for r in case.recordings(TARGET, "quick")]
    windows = case.windows(recordings, "quick")
    split = case.split(windows, seed=SEED)
    train, test = windows[split.train], windows[split.test]
    board = load_design(usecases.folder(name, Workspace.find().folder) / "design.toml").board
    how = {"seed": SEED, "augment": case.augment, "epochs": 20}
    build = partial(case.student, width=case.WIDTHS["student"], seed=SEED)
    plain = learn.compress((), train, case.features, build=build, rounding="float", **how)
    start = {"start": plain.model, **how}
    made = {
        "int8": learn.compress((), train, case.features, **start),
        "channels": learn.compress(("channels",), train, case.features, **start),
        "qat": learn.compress(("qat",), train, case.features, **start),
    }

    def points(tflite: bytes) -> float:
        predicted = learn.predict(tflite, case.features(test.X))[0].argmax(axis=1)
        scores = learn.score(test.y, predicted, test.classes, draws=1)
        return 100 * scores.balanced_accuracy

    costs = {
        variant: emulate.profile_cost(m.tflite, case.features, case.SENSITIVITY, board, test.X[:1])
        for variant, m in made.items()
    }
    for variant, what in (("int8", "PTQ alone"), ("qat", "QAT")):
        lost = points(plain.tflite) - points(made[variant].tflite)
        bars.add(f"{name}, student: {what}, points lost", "≤ 1", f"{lost:+.2f}", lost <= 1)
    before, after = (costs[v]["network_instructions"].value for v in ("int8", "channels"))
    fall = 100 * (1 - after / before)
    bars.add(
        f"{name}, student: channels, network's instructions",
        "40 % fewer",
        f"{fall:.0f} %",
        fall >= 40,
    )


def deployed(bars: Bars, name: str, table, card) -> float:
    """The model that chapter 04 picks against the float teacher."""
    row, teacher = table.loc[card.name], table.loc["teacher"]
    ratio = teacher.tflite_bytes / row.network_bytes
    shown = f"{ratio:.1f} ({teacher.tflite_bytes:,.0f} / {row.network_bytes:,.0f} B); "
    shown += f"with features {row.flash_ratio:.1f}"
    bars.add(f"{name}: teacher's file / flash of {card.name}", "≥ 20", shown, ratio >= 20)
    recipe, reference = (s.balanced_accuracy for s in (card.recipe.score, card.recipe.teacher))
    lost = 100 * (reference - recipe)
    shown = f"{lost:+.2f} ({reference:.4f} → {recipe:.4f}; {row.loss_points:+.2f} on chapter 03's split)"
    bars.add(
        f"{name}: points lost, {card.recipe.score.groups} groups, each tested once",
        "≤ 1",
        shown,
        lost <= 1,
    )
    return ratio


def rounding(bars: Bars, name: str, table) -> None:
    """Post-training quantization alone, on the teacher; and what training through it adds."""
    teacher, ptq = table.loc["teacher"], table.loc["teacher int8"]
    ratio = teacher.tflite_bytes / ptq.network_bytes
    files, slim = (
        teacher.tflite_bytes / ptq.tflite_bytes,
        teacher.stripped_bytes / ptq.stripped_bytes,
    )
    bars.add(
        f"{name}: PTQ alone, teacher's file / its flash",
        "3.7–4",
        f"{ratio:.2f} (of files {files:.2f}, both slim {slim:.2f})",
        ratio >= 3.7,
    )
    bars.add(
        f"{name}: PTQ alone, points lost", "≤ 1", f"{ptq.loss_points:+.2f}", ptq.loss_points <= 1
    )
    qat, plain = table.loc["student qat"], table.loc["student int8"]
    won = plain.mean_loss_points - qat.mean_loss_points
    word = "beats" if won > 0 else "does not beat"
    print(
        f"  {name}: QAT {word} PTQ on the student: {won:+.2f} points, mean of {qat.seeds:.0f} seeds "
        f"({interval(qat)} against {interval(plain)}) (measured)",
        flush=True,
    )


def channels(bars: Bars, name: str, table) -> bool:
    """Half of the student's weights removed as whole channels."""
    plain, best = table.loc["student int8"], None
    for variant in ("channels", "channels, 3/4"):
        row = table.loc[variant]
        fall = 100 * (1 - row.network_instructions / plain.network_instructions)
        lost = row.mean_loss_points - plain.mean_loss_points
        met = fall >= 40 and lost <= 1
        all_fall = 100 * (1 - row.instructions / plain.instructions)
        print(
            f"  {name}: {variant}: network's instructions {fall:.0f} % fewer (with features "
            f"{all_fall:.1f} %, emulated), {lost:+.2f} points (measured, mean of {row.seeds:.0f} seeds)",
            flush=True,
        )
        best = best or met
    return bool(best)


def interval(row) -> str:
    return f"loses {row.mean_loss_points:.2f}, {row.loss_low:.2f} to {row.loss_high:.2f}"
