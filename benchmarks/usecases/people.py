"""The people counter's bars: presence on the later part of the real video, count, time of one crop."""

from __future__ import annotations

import numpy as np

from benchmarks.bars import Bars
from edgekit import catalog, datasets, emulate, export, learn, signal, usecases
from edgekit.core.workspace import Workspace
from edgekit.data import proposals, video
from edgekit.pipeline import artefacts, execute
from edgekit.pipeline.manifest import artefact_path
from edgekit.pipeline.review import review
from edgekit.simulators import scenes

CORE, BOARD = "cortex-m7", "imxrt1060"
EPOCHS, REPEAT, SCENES = (
    100,
    4,
    30,
)  # of the counter; each real frame that often, so many rendered places
HEAD = 0.2  # how far down its box somebody's head lies


def bars(bars: Bars) -> None:
    """Run the whole chain at full, then train and judge the counter."""
    case = usecases.load("people", Workspace.find().folder)
    directory, _ = execute.execute("people", profile="full")
    verdicts = review(directory).verdicts
    bars.add("people, full: every line of the budget", "kept", verdicts.summary(), verdicts.passed)
    presence(bars, case, directory)
    labels(bars, case)
    counting(bars, case)


def presence(bars: Bars, case, directory) -> None:
    """The deployed model of the chain: accuracy from chapter 04, time of its binary measured again."""
    names = ("model.json", "model.tflite")
    card, model = (artefacts.read(artefact_path(directory, name)) for name in names)
    test = card.test
    shown = f"{test.balanced_accuracy:.3f} ({learn.interval(test)}), {card.name}"
    bars.add(
        f"person or nobody, int8, {test.windows} later crops", "≥ 0.90", shown,
        test.balanced_accuracy >= 0.90,
    )  # fmt: skip
    preprocess = usecases.preprocessors(case)[card.input]
    source = export.generate(export.read(model), "people")
    app = emulate.build(source, CORE, features=preprocess, sensitivity=case.SENSITIVITY)
    crop = np.full((1, *preprocess.given), 100, np.float32)
    latency = emulate.latency_on(catalog.board(BOARD), app, emulate.profile(app, crop))
    bars.add(
        "one crop, camera's bytes to class", "≤ 10 ms",
        f"{latency} (emulated {CORE}; estimated)", latency.value <= 10,
    )  # fmt: skip
    size = int(app.flash.value), int(app.ram.value)
    bars.add("its flash and RAM", "≤ 128, 64 KB", f"{size[0]:,} B, {size[1]:,} B",
             size[0] <= 131_072 and size[1] <= 65_536)  # fmt: skip


def labels(bars: Bars, case) -> None:
    """What the gateway proposes against what was confirmed; no goal, it is why somebody looked."""
    known = video.load_boxes(case.LABELS)
    numbers = sorted(known.frames)
    large = video.frames(datasets.fetch("pedestrians") / "vtest.avi", pick=numbers)
    found = proposals.propose(large, proposals.background(large), tall=(50, 165))
    wanted = [[b for b in known.frames[n] if b.height >= 48] for n in numbers]
    score = proposals.agreement(found, wanted)
    shown = f"precision {score['precision']:.3f}, recall {score['recall']:.3f}"
    bars.add(f"boxes proposed by the gateway, {len(numbers)} frames", "–", shown, True)


def counting(bars: Bars, case) -> None:
    """The counter of notebooks/extra/people_count.ipynb at full."""
    from edgekit.learn import heatmap

    least = case.LEAST / 2
    field = [video.downsample(r) for r in case.recordings("field", "full")]
    lab = [video.downsample(r) for r in scenes.source("quick")[:SCENES]]

    def part(places):
        rs = [r for r in field if int(r.name[-2:]) in places]
        boxes = [b for r in rs for b in r.meta["boxes"]]
        true = np.array([sum(b.height >= least for b in found) for found in boxes])
        return np.concatenate([r.samples for r in rs]), boxes, true

    train, val, test = part(case.TRAIN), part(case.VAL), part(case.TEST)
    X = np.concatenate([train[0]] * REPEAT + [r.samples for r in lab])
    B = train[1] * REPEAT + [found for r in lab for found in r.meta["boxes"]]
    see = signal.Pixels(144, 192)
    model = heatmap.counter(see.shape, width=8, seed=0)
    heatmap.fit(model, X, B, see, seed=0, least=least, at=HEAD, epochs=EPOCHS)
    inputs = [see(p[0][..., None].astype(np.float32)) for p in (train, val, test)]
    tflite = learn.strip_metadata(learn.quantize(model, inputs[0]))
    outputs = [learn.predict_int8(tflite, learn.int8_inputs(tflite, x))[0] for x in inputs]
    maps = [heatmap.unfold(x) for x in outputs]
    known = np.concatenate(maps[:2]), np.concatenate([train[2], val[2]])
    threshold = int(heatmap.choose_threshold(*known))
    scale = maps[2].shape[1] / test[0].shape[1]
    score = heatmap.score(maps[2], test[1], threshold, scale, least, HEAD)
    error = score["mean_absolute_error"]
    usual = round(float(train[2].mean()))
    constant = np.abs(test[2] - usual).mean()
    bars.add(
        f"count, int8: mean absolute error, {len(test[2])} later frames", "≤ 1.5",
        f"{error:.2f} (always {usual}: {constant:.2f})", error <= 1.5,
    )  # fmt: skip
    source = export.generate(export.read(tflite), "counter")
    firmware = emulate.build(source, cpu=CORE)
    fed = learn.int8_inputs(tflite, inputs[2])
    wrong = int((emulate.run(firmware, fed) != outputs[2]).sum())
    latency = emulate.latency_on(catalog.board(BOARD), firmware, emulate.profile(firmware, fed[:1]))
    bars.add(
        "counter, bytes that differ on the core", "0", f"{wrong}; {latency} a frame", wrong == 0
    )
