"""Pictures: blocks of grey values to numbers around 0, and from the camera's bytes straight to int8.

A camera delivers uint8 and an int8 network wants int8: a float copy of the picture in between would be
four times as large as either. So the C side sums each block and looks the sum up in a table that holds
the network's input for every possible sum; the table is made here, by the one rule of rounding.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from edgekit.signal import source


@dataclass(frozen=True)
class Pixels:
    """A grey picture, averaged over blocks: 0…255 becomes -1 (black) to just below 1 (white).

    `height` and `width` in pixels, multiples of `block`, which is 1, 2 or 4: means of that many uint8
    are exact in float32, whatever adds them up.
    """

    height: int
    width: int
    block: int = 1
    delivers = "uint8"  # what the sensor hands over, rather than int16 counts or floats

    def __post_init__(self):
        if self.block not in (1, 2, 4):
            raise ValueError(f"block must be 1, 2 or 4, not {self.block}")
        if min(self.height, self.width) < 1 or self.height % self.block or self.width % self.block:
            raise ValueError(
                f"{self.height} x {self.width} pixels are no whole blocks of {self.block}"
            )

    @property
    def given(self) -> tuple[int, int, int]:
        """Shape of one picture."""
        return self.height, self.width, 1

    @property
    def window(self) -> int:
        """Samples of one picture, for the C side."""
        return self.height * self.width

    @property
    def channels(self) -> int:
        return 1

    @property
    def shape(self) -> tuple[int, int, int]:
        return self.height // self.block, self.width // self.block, 1

    def __call__(self, X: np.ndarray) -> np.ndarray:
        """`X` (n, height, width, 1), 0…255 -> (n, height / block, width / block, 1) float32.

        Values are rounded to whole grey values first, as a camera would have given them: the same bits
        as the C side. Raises ValueError on another shape.
        """
        if X.ndim != 4 or X.shape[1:] != self.given:
            raise ValueError(f"expected (n, {self.height}, {self.width}, 1), got {X.shape}")
        rows, columns, _ = self.shape
        blocks = grey(X).reshape(len(X), rows, self.block, columns, self.block)
        middle = 128 * self.block**2
        sums = blocks.sum(axis=(2, 4), dtype=np.int32)[..., None]
        return (sums - middle).astype(np.float32) * np.float32(1 / middle)

    def c(
        self,
        name: str,
        quantization: tuple[float, int] | None = None,
        sensitivity: float | None = None,
    ) -> source.FeatureCode:
        """C sources, {file name: text}: see `source.emit`. Besides what it promises there are
        `void {name}_features_uint8(const uint8_t *, float *)` and, with `quantization`,
        `void {name}_input_uint8(const uint8_t *, int8_t *)`, which needs no floats at all.

        `sensitivity` must be None: grey values have no unit.
        """
        if sensitivity is not None:
            raise ValueError("a camera's grey values have no unit: SENSITIVITY is None")
        rows, columns, _ = self.shape
        size = f"{rows}, {columns}, {self.block}"
        tables, more = "", {
            "features_uint8": (
                "const uint8_t *picture, float *features",
                "The grey values as the camera delivers them.",
                f"pixels(picture, {size}, features);",
            )
        }  # fmt: skip
        if quantization:
            middle = 128 * self.block**2
            sums = np.arange(255 * self.block**2 + 1)
            values = (sums - middle).astype(np.float32) * np.float32(1 / middle)
            steps = source.to_int8(values, *quantization)
            tables = source.array("int8_t", "step_of", steps, "the network's input for each sum")
            more["input_uint8"] = (
                "const uint8_t *picture, int8_t *input",
                "From the camera to the network's input, without floats.",
                f"pixels_to_int8(picture, {size}, step_of, input);",
            )
        pictured = (
            f"static uint8_t picture[{self.window}]; /* of floats: for tests on a desk */\n\n"
        )
        return source.emit(
            self,
            name,
            headers=("samples.h", "pixels.h"),
            tables=tables + pictured,
            call=(
                f"for (int32_t i = 0; i < {self.window}; i++) picture[i] = to_grey(from.real[i]);\n"
                f"  pixels(picture, {size}, features);"
            ),
            quantization=quantization,
            more=more,
        )


def grey(X: np.ndarray) -> np.ndarray:
    """Grey values as a camera gives them: uint8, nearest, half away from zero; NaN counts as 0."""
    X = np.asarray(X)
    if X.dtype == np.uint8:
        return X
    x = np.nan_to_num(np.asarray(X, np.float32), nan=0.0, posinf=255.0, neginf=0.0)
    return np.where(x > 0, np.minimum(x + np.float32(0.5), np.float32(255)), 0).astype(np.uint8)
