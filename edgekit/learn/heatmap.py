"""Counting: a picture becomes a coarse map of where somebody is, and the peaks of the map are counted.

The map has no boxes and no sizes, so the network is small (Edge Impulse calls such networks FOMO). It
computes at an eighth of the picture and says for each cell which of its four quarters is meant: people
walk closer together than eight pixels. It is trained as Zhou, Wang, Krähenbühl, "Objects as Points"
(2019), train theirs: a Gaussian at each mark, a focal loss that asks little of the cells next to one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from edgekit.core.errors import EdgekitError

if TYPE_CHECKING:
    import pandas as pd

STRIDE = 8  # pixels of the network's input to a cell, each way; its map is twice as fine
SPREAD = 1.0  # cells of the map: standard deviation of a target's Gaussian
REACH = 2.5  # cells: how far a peak may be from the mark of whom it found
ALPHA, BETA = 2, 4  # exponents of the focal loss, as in the paper


def counter(input_shape: tuple[int, int, int], width: int, seed: int):
    """(n, height, width, 1) -> logits (n, height / 8, width / 8, 4): is the mark of somebody here?

    Three convolutions that halve the picture, three depthwise separable ones at an eighth of it;
    `width` to 8·`width` channels. A cell sees 63 pixels each way, more than a person is high. Its four
    outputs are its quarters, see `unfold`.
    """
    from edgekit.learn.legacy import keras, seed_everything
    from edgekit.learn.models import MOMENTUM

    seed_everything(seed)
    layers = keras.layers

    def block(x, channels):
        x = layers.DepthwiseConv2D(3, padding="same", use_bias=False)(x)
        x = layers.ReLU()(layers.BatchNormalization(momentum=MOMENTUM)(x))
        x = layers.Conv2D(channels, 1, use_bias=False)(x)
        return layers.ReLU()(layers.BatchNormalization(momentum=MOMENTUM)(x))

    given = layers.Input(input_shape)
    x = layers.Conv2D(width, 3, strides=2, padding="same", use_bias=False)(given)
    x = layers.ReLU()(layers.BatchNormalization(momentum=MOMENTUM)(x))
    for channels in (2 * width, 4 * width):
        x = layers.Conv2D(channels, 3, strides=2, padding="same", use_bias=False)(x)
        x = layers.ReLU()(layers.BatchNormalization(momentum=MOMENTUM)(x))
    for channels in (6 * width, 8 * width, 8 * width):
        x = block(x, channels)
    start = keras.initializers.Constant(-4.0)  # nearly every cell is empty
    x = layers.Conv2D(4, 1, bias_initializer=start)(x)
    return keras.Model(given, x, name="counter")


def unfold(maps: np.ndarray) -> np.ndarray:
    """What `counter` says, (n, rows, columns, 4), as maps (n, 2 rows, 2 columns): upper left quarter
    first, then upper right, lower left, lower right."""
    n, rows, columns, _ = maps.shape
    quarters = maps.reshape(n, rows, columns, 2, 2)
    return quarters.transpose(0, 1, 3, 2, 4).reshape(n, 2 * rows, 2 * columns)


def fold(maps: np.ndarray) -> np.ndarray:
    """The inverse of `unfold`, for maps (n, 2 rows, 2 columns, …) -> (n, rows, columns, 4, …)."""
    n, rows, columns, *rest = maps.shape
    quarters = maps.reshape(n, rows // 2, 2, columns // 2, 2, *rest).swapaxes(2, 3)
    return quarters.reshape(n, rows // 2, columns // 2, 4, *rest)


def targets(boxes, shape: tuple[int, int], scale: float, least: float, at: float = 0.5):
    """What the map should be, and which cells count: (n, rows, columns, 2) float32.

    `boxes` for each picture; `shape` (rows, columns) of the map; `scale` cells per pixel of the boxes.
    Channel 0 is 1 at the mark of each box at least `least` high, falling off around it; channel 1 is
    0 where a smaller box lies, which is neither asked for nor wrong, else 1. `at` is how far down
    its box somebody's mark lies: 0.5 the middle, 0.2 the head.
    """
    rows, columns = np.arange(shape[0])[:, None], np.arange(shape[1])[None]
    out = np.zeros((len(boxes), *shape, 2), np.float32)
    out[..., 1] = 1
    for heat, found in zip(out, boxes, strict=True):
        for box in found:
            cell = cell_of(box, scale, at)
            if box.height < least:
                top, left = int(box.y * scale), int(box.x * scale)
                bottom = int(np.ceil((box.y + box.height) * scale)) + 1
                right = int(np.ceil((box.x + box.width) * scale)) + 1
                heat[max(0, top - 1) : bottom, max(0, left - 1) : right, 1] = 0
                continue
            near = (rows - cell[0]) ** 2 + (columns - cell[1]) ** 2
            np.maximum(heat[..., 0], np.exp(-near / (2 * SPREAD**2)), out=heat[..., 0])
    out[..., 1] = np.where(out[..., 0] == 1, 1, out[..., 1])
    return out


def cell_of(box, scale: float, at: float = 0.5) -> tuple[int, int]:
    """(row, column) of the cell of a box's mark."""
    return int((box.y + at * box.height) * scale), int((box.x + box.width / 2) * scale)


def focal_loss(target, logits):
    """Loss of logits (n, rows, columns, 4) against folded `targets` (n, rows, columns, 4, 2), a mark
    at a time."""
    import tensorflow as tf

    heat, counts = target[..., 0], target[..., 1]
    p = tf.clip_by_value(tf.sigmoid(logits), 1e-5, 1 - 1e-5)
    centre = tf.cast(heat >= 1, tf.float32)
    hit = -centre * (1 - p) ** ALPHA * tf.math.log(p)
    miss = -(1 - centre) * (1 - heat) ** BETA * p**ALPHA * tf.math.log(1 - p)
    each = tf.reduce_sum((hit + miss) * counts, axis=(1, 2, 3))
    return each / tf.maximum(tf.reduce_sum(centre, axis=(1, 2, 3)), 1)


def fit(
    model,
    pictures: np.ndarray,
    boxes,
    see,
    *,
    seed: int,
    least: float,
    at: float = 0.5,
    epochs: int = 20,
    batch: int = 16,
    rate: float = 5e-3,
) -> list[float]:
    """Train `model` in place on `pictures` (n, height, width) uint8 and their Boxes; the losses.

    Each epoch shows every picture once, varied: mirrored, nearer or farther, moved, in another
    light. `see` makes the network's input of (n, height, width, 1). Same seed, same weights.
    Raises EdgekitError where there is nobody to learn from.
    """
    from edgekit.core.progress import progress
    from edgekit.learn.training import Training

    if not any(box.height >= least for found in boxes for box in found):
        raise EdgekitError("nobody is in these pictures: there is nothing to count")
    rng = np.random.default_rng(seed)
    training = Training(model, focal_loss, rate, epochs * -(-len(pictures) // batch))
    shape = tuple(2 * n for n in model.output_shape[1:3])
    scale = shape[0] / pictures.shape[1]
    losses = []
    for _ in progress(range(epochs), "training counter"):
        order = rng.permutation(len(pictures))
        X, moved = vary(pictures[order], [boxes[i] for i in order], rng)
        aim = fold(targets(moved, shape, scale, least, at))
        losses.append(training.epoch(see(X), aim, np.ones(len(X)), batch))
    return losses


def vary(pictures: np.ndarray, boxes, rng, zoom=0.15, shift=0.06, light=0.25, grain=5.0):
    """A random variation of each picture and its boxes: (n, height, width, 1) float32, and the Boxes.

    A box of which less than half is left in the picture is taken out.
    """
    from edgekit.signal.pictures import light_noise, moved

    n, height, width = pictures.shape
    scale = np.exp(rng.uniform(-zoom, zoom, n))
    mirror = rng.choice([-1.0, 1.0], n)
    down, right = (side * shift * rng.uniform(-1, 1, n) for side in (height, width))
    X = moved(pictures[..., None], scale, mirror, down, right)
    out = []
    for i, found in enumerate(boxes):
        kept = []
        for box in found:
            x = (box.x + box.width / 2 - (width - 1) / 2 - right[i]) * scale[i] * mirror[i]
            y = (box.y + box.height / 2 - (height - 1) / 2 - down[i]) * scale[i]
            w, h = box.width * scale[i], box.height * scale[i]
            x, y = x + (width - 1) / 2 - w / 2, y + (height - 1) / 2 - h / 2
            left, top = max(0.0, x), max(0.0, y)
            inside = (min(width, x + w) - left, min(height, y + h) - top)
            if min(inside) > 0 and inside[0] * inside[1] > 0.5 * w * h:
                kept.append(box._replace(x=left, y=top, width=inside[0], height=inside[1]))
        out.append(tuple(kept))
    return light_noise(X, rng, light, grain), out


# ------------------------------------------------------------------------------------- counting


def peaks(heat: np.ndarray, threshold: float) -> np.ndarray:
    """(k, 2) row and column of each local maximum of `heat` (rows, columns) that reaches `threshold`.

    A maximum is no lower than its eight neighbours; of equal neighbours the first, line by line. Only
    comparisons: the same on int8 as on probabilities, and in C (`count_peaks`).
    """
    rows, columns = heat.shape
    lowest = np.iinfo(heat.dtype).min if heat.dtype.kind == "i" else -np.inf
    wide = np.full((rows + 2, columns + 2), lowest, heat.dtype)
    wide[1:-1, 1:-1] = heat
    top = heat >= threshold
    for dy in (-1, 0, 1):
        for dx in (-1, 0, 1):
            if dy or dx:
                other = wide[1 + dy : 1 + dy + rows, 1 + dx : 1 + dx + columns]
                before = dy < 0 or (dy == 0 and dx < 0)
                top &= (heat > other) if before else (heat >= other)
    return np.argwhere(top)


def counts(heats: np.ndarray, threshold: float) -> np.ndarray:
    """(n,) peaks of each map of `heats` (n, rows, columns)."""
    return np.array([len(peaks(heat, threshold)) for heat in heats], np.int64)


def choose_threshold(heats: np.ndarray, confirmed: np.ndarray) -> float:
    """The threshold with the smallest mean absolute error of the counts, the middle one of equals.

    `heats` are maps of pictures whose counts are known and that nothing is tested on; candidates are
    the values of the maps' own peaks.
    """
    lowest, confirmed = heats.min(), np.asarray(confirmed)
    values = np.sort(np.concatenate([heat[tuple(peaks(heat, lowest).T)] for heat in heats]))
    if not len(values):
        raise EdgekitError(
            "no map has a peak: the network says the same everywhere; train it longer"
        )
    values = np.unique(
        values[-3 * max(1, int(confirmed.sum())) :]
    )  # the strongest, people among them
    if len(values) > 400:
        values = np.unique(np.quantile(values, np.linspace(0, 1, 400), method="nearest"))
    errors = np.array([np.abs(counts(heats, v) - confirmed).mean() for v in values])
    best = values[np.isclose(errors, errors.min())]
    return best[len(best) // 2]


def score(heats: np.ndarray, boxes, threshold, scale: float, least: float, at: float = 0.5) -> dict:
    """How well it counts and finds: mean absolute error, bias, precision and recall of positions.

    `boxes` for each picture; a peak has found somebody if it is at most REACH from a mark that no other
    peak has. Peaks on boxes below `least` are neither right nor wrong.
    """
    true = np.array([sum(b.height >= least for b in found) for found in boxes])
    predicted, hits, wrong = [], 0, 0
    for heat, found in zip(heats, boxes, strict=True):
        spots = peaks(heat, threshold).astype(float)
        far = [b for b in found if b.height < least]
        spots = np.array([s for s in spots if not any(_on(s, b, scale) for b in far)]).reshape(
            -1, 2
        )
        marks = np.array([cell_of(b, scale, at) for b in found if b.height >= least], float)
        matched = _matched(spots, marks.reshape(-1, 2))
        hits, wrong = hits + matched, wrong + len(spots) - matched
        predicted.append(len(spots))
    error = np.array(predicted) - true
    return {
        "mean_absolute_error": float(np.abs(error).mean()),
        "bias": float(error.mean()),
        "exact": float((error == 0).mean()),
        "precision": hits / max(1, hits + wrong),
        "recall": hits / max(1, int(true.sum())),
        "predicted": [int(v) for v in predicted],
        "true": [int(v) for v in true],
    }


def table(scores: dict[str, dict]) -> pd.DataFrame:
    """One row for each named `score`."""
    import pandas as pd

    keys = ("mean_absolute_error", "bias", "exact", "precision", "recall")
    return pd.DataFrame({name: [s[k] for k in keys] for name, s in scores.items()}, index=keys).T


def _on(spot, box, scale: float) -> bool:
    y, x = (spot + 0.5) / scale
    return box.x - 4 <= x <= box.x + box.width + 4 and box.y - 4 <= y <= box.y + box.height + 4


def _matched(spots: np.ndarray, marks: np.ndarray) -> int:
    from scipy.optimize import linear_sum_assignment

    if not len(spots) or not len(marks):
        return 0
    away = np.abs(spots[:, None] - marks[None]).max(axis=2)
    rows, columns = linear_sum_assignment(np.where(away <= REACH, away, 1e3))
    return int((away[rows, columns] <= REACH).sum())


C_SOURCE = """\
/* {name}: how many people a map shows, [{rows}][{columns}][4] int8, four quarters to a cell. Its peaks that
 * reach {threshold}, no lower than their eight neighbours; of equal neighbours the first, line by line. */
#include <stdint.h>

enum {{ ROWS = 2 * {rows}, COLUMNS = 2 * {columns} }};

static int8_t value_at(const int8_t *map, int row, int column) {{
  const int cell = (row / 2) * {columns} + column / 2;
  return map[4 * cell + 2 * (row % 2) + column % 2];
}}

static int is_peak(const int8_t *map, int row, int column) {{
  const int8_t here = value_at(map, row, column);
  if (here < {threshold}) return 0;
  for (int k = 0; k < 9; k++) {{
    const int y = row + k / 3 - 1, x = column + k % 3 - 1;
    if (k == 4 || y < 0 || y >= ROWS || x < 0 || x >= COLUMNS) continue;
    const int8_t other = value_at(map, y, x);
    if (k < 4 ? here <= other : here < other) return 0;
  }}
  return 1;
}}

int {name}_count(const int8_t *map) {{
  int count = 0;
  for (int row = 0; row < ROWS; row++) {{
    for (int column = 0; column < COLUMNS; column++) count += is_peak(map, row, column);
  }}
  return count;
}}
"""


def c_counter(name: str, shape: tuple[int, int], threshold: int) -> str:
    """`int {name}_count(const int8_t *map)` in C: the peaks that `counts` finds in an unfolded map.

    `shape` (rows, columns) of the network's output, before `unfold`.
    """
    if not -128 < threshold <= 127:
        raise EdgekitError(f"a threshold of {threshold} is no int8 above the lowest")
    return C_SOURCE.format(name=name, rows=shape[0], columns=shape[1], threshold=int(threshold))
