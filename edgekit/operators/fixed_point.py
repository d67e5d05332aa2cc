"""TFLM's quantized arithmetic in Python: multipliers, and the 256-entry tables of int8 functions.

The bytes are those of tflite-micro 0.dev20261023182759 (October 2026), which the tests run as their oracle.
It takes every product and quotient of scales in double, before one rounding to a 31-bit multiplier; earlier
releases took some of them in float32 (FULLY_CONNECTED with one weight scale among them) and can differ from
this code by one step in a few of a million values. Only the bounds of RELU6 and of fused activations are
quotients in float32.

An int8 → int8 function of one variable has 256 values, so activations become tables computed here with
the same fixed-point steps TFLM takes (gemmlowp's fixedpoint.h and TFLM's reference kernels): the C side
is one lookup, and there is no second implementation of tanh to get wrong on a device.
"""

from __future__ import annotations

import math

import numpy as np

from edgekit.core.errors import EdgekitError

INT32_MAX = (1 << 31) - 1
ACTIVATION_BOUNDS = {  # of the fused activations, in real numbers
    "none": (-math.inf, math.inf),
    "relu": (0.0, math.inf),
    "relu6": (0.0, 6.0),
    "relu_n1_to_1": (-1.0, 1.0),
}


def round_away(x: float) -> int:
    """Round half away from zero, as C's round()."""
    return math.floor(abs(x) + 0.5) * (1 if x >= 0 else -1)


def quantize_multiplier(real: float) -> tuple[int, int]:
    """`real` ≈ multiplier · 2^(shift-31), multiplier in [2^30, 2^31) (TFLM QuantizeMultiplier).

    Raises EdgekitError for one that is negative, no number, or too large.
    """
    if not 0 <= real < 2.0**31:  # or NaN
        raise EdgekitError(
            "input and output scales are too far apart: 32-bit arithmetic would overflow"
        )
    if real == 0.0:
        return 0, 0
    fraction, shift = math.frexp(real)
    multiplier = round_away(fraction * (1 << 31))
    if multiplier == 1 << 31:
        multiplier, shift = multiplier // 2, shift + 1
    if shift < -31:
        multiplier, shift = 0, 0
    return multiplier, shift


def high_mul(a, b):
    """gemmlowp SaturatingRoundingDoublingHighMul for 32 bits, on Python ints or int64 arrays."""
    return np.minimum((np.asarray(a, object) * b + (1 << 30)) >> 31, INT32_MAX)


def divide_by_pot(x, exponent: int):
    """gemmlowp RoundingDivideByPOT: half away from zero."""
    if exponent == 0:
        return x
    return (x + (1 << (exponent - 1)) - (np.asarray(x, object) < 0).astype(int)) >> exponent


def multiply_by_quantized(x, multiplier: int, shift: int):
    """TFLM MultiplyByQuantizedMultiplier with double rounding."""
    scaled = np.asarray(x, object) << max(shift, 0)
    fits = np.max(scaled, initial=0) <= INT32_MAX and np.min(scaled, initial=0) >= ~INT32_MAX
    if shift > 30 or not fits:
        raise EdgekitError(
            "input and output scales are too far apart: 32-bit arithmetic would overflow"
        )
    return divide_by_pot(high_mul(scaled, multiplier), max(-shift, 0))


def activation_range(activation: str, scale: float, zero: int) -> tuple[int, int]:
    """int8 bounds of a fused activation (TFLM CalculateActivationRangeQuantized, float32 division)."""

    def q(value: float) -> int:
        return zero + round_away(float(np.float32(value) / np.float32(scale)))

    low, high = ACTIVATION_BOUNDS[activation]
    return (
        -128 if math.isinf(low) else max(-128, q(low)),
        127 if math.isinf(high) else min(127, q(high)),
    )


# --- gemmlowp fixed point, raw int32 values with `bits` integer bits, on object arrays of Python ints


def _mul(a, b):
    return high_mul(a, b)


def _rescale(x, exponent: int):
    """SaturatingRoundingMultiplyByPOT."""
    if exponent < 0:
        return divide_by_pot(x, -exponent)
    return np.clip(np.asarray(x, object) << exponent, -(1 << 31), INT32_MAX)


def _exp_quarter(a):
    """exp(a) for a in [-1/4, 0), both with 0 integer bits: a fourth-order Taylor series about -1/8."""
    x = np.asarray(a, object) + (1 << 28)
    x2 = _mul(x, x)
    x3 = _mul(x2, x)
    x4 = _mul(x2, x2)
    third = divide_by_pot(x4, 2)
    third = divide_by_pot(_mul(third + x3, 715827883) + x2, 1)
    return 1895147668 + _mul(1895147668, x + third)


def exp_negative(a, bits: int):
    """exp(a) for a ≤ 0 with `bits` integer bits → 0 integer bits (gemmlowp exp_on_negative_values)."""
    a = np.asarray(a, object)
    fraction = 31 - bits
    quarter = 1 << (fraction - 2)
    modulo = (a & (quarter - 1)) - quarter
    result = _exp_quarter(_rescale(modulo, bits))
    remainder = modulo - a
    for exponent, factor in (
        (-2, 1672461947),
        (-1, 1302514674),
        (0, 790015084),
        (1, 290630308),
        (2, 39332535),
        (3, 720401),
        (4, 242),
    ):
        if bits > exponent:
            bit = 1 << (fraction + exponent)
            result = np.where((remainder & bit) != 0, _mul(result, factor), result)
    if bits > 5:
        result = np.where(a < -(1 << (fraction + 5)), 0, result)
    return np.where(a == 0, INT32_MAX, result)


def reciprocal_one_plus(a):
    """1/(1+a) for a in [0,1], 0 integer bits in and out, by three Newton-Raphson steps."""
    total = np.asarray(a, object) + INT32_MAX  # rounding half sum of a and 1
    half = (total + 1) >> 1
    x = 1515870810 + _mul(half, -1010580540)  # 48/17 and -32/17 with 2 integer bits
    for _ in range(3):
        one_minus = (1 << 29) - _mul(half, x)
        x = x + _rescale(_mul(x, one_minus), 2)
    return np.clip(_rescale(x, 1), -(1 << 31), INT32_MAX)


def logistic_raw(a, bits: int):
    """gemmlowp logistic: `bits` integer bits in, 0 out."""
    a = np.asarray(a, object)
    positive = reciprocal_one_plus(exp_negative(-np.abs(a), bits))
    value = np.where(a > 0, positive, INT32_MAX - positive)
    return np.where(a == 0, 1 << 30, value)


def inverse_root(value: int) -> tuple[int, int]:
    """1/sqrt(value) ≈ multiplier · 2^(shift-31), for 1 ≤ value < 2^29 (GetInvSqrtQuantizedMultiplierExp)."""
    if value <= 1:
        return INT32_MAX, 0
    pairs = (32 - value.bit_length() - 1) // 2 - 1
    a = value << (2 * pairs) >> 1  # with 3 integer bits, as all that follows
    half = int(divide_by_pot(a, 1))
    x = 1 << 28
    for _ in range(5):  # Newton-Raphson from 1
        cube = int(_rescale(_mul(_mul(x, x), x), 6))
        x = int(_rescale(int(_mul((1 << 28) + (1 << 27), x)) - int(_mul(half, cube)), 3))
    shift = 11 - pairs
    x = int(_mul(x, 1518500250))  # sqrt(2) / 2
    return (x << -shift, 0) if shift < 0 else (x, -shift)


def tanh_raw(a, bits: int):
    """gemmlowp tanh: `bits` integer bits in, 0 out; one_minus_x_over_one_plus_x of exp(-2|a|)."""
    a = np.asarray(a, object)
    e = exp_negative(-np.abs(a), bits + 1)  # the same raw value with one integer bit more is 2a
    half = (e + INT32_MAX + 1) >> 1
    x = 1515870810 + _mul(half, -1010580540)
    for _ in range(3):
        x = x + _rescale(_mul(x, (1 << 29) - _mul(half, x)), 2)
    t = np.clip(_rescale(x - (1 << 29), 2), -(1 << 31), INT32_MAX)
    return np.where(a == 0, 0, np.where(a < 0, -t, t))


# --- int8 tables: table[q + 128] for q in -128..127

CODES = np.arange(-128, 128).astype(object)


def _int8(values) -> np.ndarray:
    return np.clip(np.asarray(values, object), -128, 127).astype(np.int8)


def input_radius(bits: int, shift: int) -> int:
    """TFLM CalculateInputRadius with 31 fraction bits in all."""
    return math.floor(((1 << bits) - 1) * (1 << (31 - bits)) / 2.0**shift)


def _saturating(scale, zero, raw, output_bits: int, offset: int) -> np.ndarray:
    multiplier, shift = quantize_multiplier(float(scale) * (1 << 27))
    radius = input_radius(4, shift)
    x = CODES - zero
    inside = (x > -radius) & (x < radius)
    q4 = multiply_by_quantized(np.where(inside, x, 0), multiplier, shift)
    y = divide_by_pot(raw(q4, 4), 31 - output_bits) + offset
    return _int8(np.where(x <= -radius, -128, np.where(x >= radius, 127, y)))


def logistic_table(scale, zero: int) -> np.ndarray:
    """LOGISTIC (reference/integer_ops/logistic.h); the output has scale 1/256, zero point -128."""
    return _saturating(scale, zero, logistic_raw, 8, -128)


def tanh_table(scale, zero: int) -> np.ndarray:
    """TANH (reference/integer_ops/tanh.h); the output has scale 1/128, zero point 0."""
    return _saturating(scale, zero, tanh_raw, 7, 0)


def requantize_table(in_scale, in_zero: int, out_scale, out_zero: int, first: int = -128):
    """QUANTIZE int8 → int8, or uint8 → int8 with first = 0 (reference/requantize.h)."""
    multiplier, shift = quantize_multiplier(float(in_scale) / float(out_scale))
    codes = np.arange(first, first + 256).astype(object)
    return multiply_by_quantized(codes - in_zero, multiplier, shift) + out_zero


def relu_table(in_scale, in_zero: int, out_scale, out_zero: int) -> np.ndarray:
    """RELU with its own rescale (micro/kernels/activations.cc)."""
    y = requantize_table(in_scale, in_zero, out_scale, out_zero)
    return _int8(np.maximum(y, max(-128, out_zero)))


def relu6_table(scale, zero: int) -> np.ndarray:
    """RELU6 clamps and does not rescale."""
    six = zero + round_away(float(np.float32(6.0) / np.float32(scale)))
    return _int8(np.clip(CODES, zero, six))


def leaky_relu_table(in_scale, in_zero, out_scale, out_zero, alpha) -> np.ndarray:
    """LEAKY_RELU (reference/leaky_relu.h QuantizeLeakyRelu)."""
    x = CODES - in_zero
    identity = quantize_multiplier(float(in_scale) / float(out_scale))
    slope = quantize_multiplier(float(in_scale) * float(np.float32(alpha)) / float(out_scale))
    y = np.where(x >= 0, multiply_by_quantized(x, *identity), multiply_by_quantized(x, *slope))
    return _int8(y + out_zero)


def hard_swish_table(in_scale, in_zero, out_scale, out_zero) -> np.ndarray:
    """HARD_SWISH (reference/hard_swish.h), 16-bit fixed point."""

    def sat16(v):
        return np.clip(np.asarray(v, object), -32768, 32767)

    def high16(a, b):  # SaturatingRoundingDoublingHighMul, 16 bits; truncating division as in C
        ab = np.asarray(a, object) * b
        nudge = np.where(ab >= 0, 1 << 14, 1 - (1 << 14))
        v = ab + nudge
        return sat16(np.where(v >= 0, v >> 15, -((-v) >> 15)))

    def to16(multiplier):
        return min((multiplier + (1 << 15)) >> 16, 32767)

    hires = float(in_scale) / 128
    out_mult, out_exp = quantize_multiplier(hires / float(out_scale))
    relu_mult, relu_exp = quantize_multiplier(hires / (3 / 32768))
    x = (CODES - in_zero) << 7
    preshift = high16(x, to16(out_mult))
    gate = x
    if relu_exp > 0:
        gate = sat16(gate << (relu_exp - 1))
    gate = high16(gate, to16(relu_mult))
    if relu_exp > 0:
        gate = sat16(gate << 1)
    if relu_exp < 0:
        gate = divide_by_pot(gate, -relu_exp)
    gate = (gate + (1 << 15)) >> 1
    product = gate * preshift  # SaturatingDoublingHighMul truncates
    y = np.where(product >= 0, product >> 15, -((-product) >> 15))
    return _int8(divide_by_pot(y, -out_exp) + out_zero)


def softmax_table(scale, beta: float) -> np.ndarray:
    """exp(beta·scale·d) for d = 0, -1, … down to TFLM's diff_min, int32 with 0 integer bits.

    Entries beyond the table are zero (reference/softmax.h, PreprocessSoftmaxScaling with 5 integer bits).
    """
    real = min(float(np.float32(beta)) * float(scale) * (1 << 26), (1 << 31) - 1.0)
    multiplier, shift = quantize_multiplier(real)
    count = min(input_radius(5, shift), 255) + 1
    d = -np.arange(count).astype(object)
    return exp_negative(multiply_by_quantized(d, multiplier, shift), 5).astype(np.int32)
