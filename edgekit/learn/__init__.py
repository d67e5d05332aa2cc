"""Train, adapt, compress.

sweep = width_sweep(models.teacher, windows, folds, preprocess, (2, 4, 8), seed=0)
fitted = fit(model, windows, preprocess, augment=augment, seed=0)
small = compress(("prune", "qat"), windows, preprocess, start=student, seed=0)
tflite = quantize(model, calibration(windows, preprocess, seed=0))
ledger.add("student, pruned", small.tflite, "features", small.seconds)

TensorFlow is imported by what trains, not by this package; or by `load_tensorflow`, when it suits you.
"""

from edgekit.learn import adapt, models
from edgekit.learn.attempts import Attempts
from edgekit.learn.augmentation_cache import AugmentationCache
from edgekit.learn.compression import (
    calibration,
    calibration_study,
    compress,
    grouped_cross_validation,
)
from edgekit.learn.conversion import quantize
from edgekit.learn.finetuning import finetune
from edgekit.learn.ledger import Ledger, accuracy_loss, pick
from edgekit.learn.litert import int8_inputs, predict, predict_int8, quantization, strip_metadata
from edgekit.learn.loading import load_tensorflow
from edgekit.learn.scores import (
    CrossValidation,
    Score,
    balanced_accuracy,
    interval,
    paired_difference,
    score,
)
from edgekit.learn.teacher_checks import Finding, reference_findings, teacher_findings
from edgekit.learn.train import Distillation, fit, smallest_within, width_sweep
from edgekit.learn.update_frontier import Frontier, frontier

__all__ = [
    "Attempts",
    "AugmentationCache",
    "CrossValidation",
    "Distillation",
    "Finding",
    "Frontier",
    "Ledger",
    "Score",
    "accuracy_loss",
    "adapt",
    "balanced_accuracy",
    "calibration",
    "calibration_study",
    "compress",
    "finetune",
    "fit",
    "frontier",
    "grouped_cross_validation",
    "int8_inputs",
    "interval",
    "load_tensorflow",
    "models",
    "paired_difference",
    "pick",
    "predict",
    "predict_int8",
    "quantization",
    "quantize",
    "reference_findings",
    "score",
    "smallest_within",
    "strip_metadata",
    "teacher_findings",
    "width_sweep",
]
