"""The operators that are read, and the options of each that count."""

from __future__ import annotations

ACTIVATIONS = {0: "none", 1: "relu", 2: "relu_n1_to_1", 3: "relu6"}

# operator -> (option table, {our name: accessor})
_CONV = {
    "padding": "Padding",
    "stride_h": "StrideH",
    "stride_w": "StrideW",
    "dilation_h": "DilationHFactor",
    "dilation_w": "DilationWFactor",
    "activation": "FusedActivationFunction",
}
_POOL = {
    "padding": "Padding",
    "stride_h": "StrideH",
    "stride_w": "StrideW",
    "filter_h": "FilterHeight",
    "filter_w": "FilterWidth",
    "activation": "FusedActivationFunction",
}
_FUSED = {"activation": "FusedActivationFunction"}
OPTIONS = {
    "CONV_2D": ("Conv2DOptions", _CONV),
    "DEPTHWISE_CONV_2D": (
        "DepthwiseConv2DOptions",
        _CONV | {"depth_multiplier": "DepthMultiplier"},
    ),
    "FULLY_CONNECTED": (
        "FullyConnectedOptions",
        _FUSED | {"weights_format": "WeightsFormat", "keep_num_dims": "KeepNumDims"},
    ),
    "ADD": ("AddOptions", _FUSED),
    "SUB": ("SubOptions", _FUSED),
    "MUL": ("MulOptions", _FUSED),
    "AVERAGE_POOL_2D": ("Pool2DOptions", _POOL),
    "MAX_POOL_2D": ("Pool2DOptions", _POOL),
    "MEAN": ("ReducerOptions", {"keep_dims": "KeepDims"}),
    "PAD": (None, {}),
    "PADV2": (None, {}),
    "CONCATENATION": ("ConcatenationOptions", _FUSED | {"axis": "Axis"}),
    "RESHAPE": (None, {}),
    "SQUEEZE": ("SqueezeOptions", {"axes": "SqueezeDimsAsNumpy"}),
    "EXPAND_DIMS": (None, {}),
    "STRIDED_SLICE": (
        "StridedSliceOptions",
        {
            "begin_mask": "BeginMask",
            "end_mask": "EndMask",
            "ellipsis_mask": "EllipsisMask",
            "new_axis_mask": "NewAxisMask",
            "shrink_axis_mask": "ShrinkAxisMask",
            "offset": "Offset",
        },
    ),
    "SOFTMAX": ("SoftmaxOptions", {"beta": "Beta"}),
    "LOGISTIC": (None, {}),
    "TANH": (None, {}),
    "RELU": (None, {}),
    "RELU6": (None, {}),
    "LEAKY_RELU": ("LeakyReluOptions", {"alpha": "Alpha"}),
    "HARD_SWISH": (None, {}),
    "QUANTIZE": (None, {}),
    "DEQUANTIZE": (None, {}),
    "TRANSPOSE": (None, {}),
    "SPLIT": ("SplitOptions", {"count": "NumSplits"}),
    "SVDF": ("SVDFOptions", _FUSED | {"rank": "Rank"}),
}
# what converters leave behind for a dynamic batch; `shapes.settle` takes it away for a batch of 1
FOLDED = {
    "SHAPE": (None, {}),
    "PACK": ("PackOptions", {"axis": "Axis"}),
    "GATHER": ("GatherOptions", {"axis": "Axis", "batch_dims": "BatchDims"}),
    "REDUCE_PROD": ("ReducerOptions", {"keep_dims": "KeepDims"}),
    "SPACE_TO_BATCH_ND": (None, {}),
    "BATCH_TO_SPACE_ND": (None, {}),
}
