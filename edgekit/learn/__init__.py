"""Train, adapt, compress.

sweep = width_sweep(models.teacher, windows, folds, hear, (2, 4, 8), seed=0)
fitted = fit(model, windows, hear, augment=augment, seed=0)
made = make(("distil", "prune", "qat"), windows, hear, start=student, distil=Distil(...), seed=0)
ledger.add("student, pruned", made.tflite, "features", made.seconds)

TensorFlow is imported by what trains, not by this package; or by `load_tensorflow`, when it suits you.
"""

from edgekit.learn import adapt, models
from edgekit.learn.attempts import Attempts
from edgekit.learn.augmentation_cache import Shelf
from edgekit.learn.compression import by_recording, calibration, calibration_study, make
from edgekit.learn.finetune import finetune, frontier
from edgekit.learn.ledger import Ledger, pick
from edgekit.learn.litert import predict, predict_int8, quantization, quantize, slim
from edgekit.learn.loading import load_tensorflow
from edgekit.learn.teacher_checks import Finding, doubts, teacher_findings
from edgekit.learn.train import Distil, fit, interval, lead, score, smallest_within, width_sweep

__all__ = [
    "Attempts",
    "Distil",
    "Finding",
    "Ledger",
    "Shelf",
    "adapt",
    "by_recording",
    "calibration",
    "calibration_study",
    "doubts",
    "finetune",
    "fit",
    "frontier",
    "interval",
    "lead",
    "load_tensorflow",
    "make",
    "models",
    "pick",
    "predict",
    "predict_int8",
    "quantization",
    "quantize",
    "score",
    "slim",
    "smallest_within",
    "teacher_findings",
    "width_sweep",
]
