"""Train, adapt, compress.

sweep = width_sweep(models.teacher, windows, folds, hear, (2, 4, 8), seed=0)
fitted = fit(model, windows, hear, augment=augment, seed=0)
made = make(("distil", "prune", "qat"), windows, hear, start=student, distil=Distil(...), seed=0)
ledger.add("student, pruned", made.tflite, "features", made.seconds)

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
from edgekit.learn.finetune import finetune, frontier
from edgekit.learn.ledger import Ledger, pick
from edgekit.learn.litert import int8_inputs, predict, predict_int8, quantization, strip_metadata
from edgekit.learn.loading import load_tensorflow
from edgekit.learn.teacher_checks import Finding, reference_findings, teacher_findings
from edgekit.learn.train import (
    CrossValidation,
    Distillation,
    Score,
    fit,
    interval,
    paired_difference,
    score,
    smallest_within,
    width_sweep,
)

__all__ = [
    "Attempts",
    "AugmentationCache",
    "CrossValidation",
    "Distillation",
    "Finding",
    "Ledger",
    "Score",
    "adapt",
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
