"""From the lab (source domain) to the field (target domain): how far apart, and what closes the gap.

table, distances = measure(source, target, case)
task = adaptation_task(source, target, split, case, seed=0)    # no target label, no tested window
fitted = {name: fit(task) for name, fit in methods(case).items()}
choice = choose(fitted, task)                                  # without labels; BASELINE is an answer
comparison = compare(source, target, splits, case, seed=0)     # all of it, on held-out groups

Methods work on a use case's `descriptor`, a table (n, d). Those of `tables` give a logistic regression other
data; those of `networks` train a small network, and import TensorFlow.
"""

from edgekit.learn.adapt.choice import BASELINE, Choice, choose
from edgekit.learn.adapt.comparison import Comparison, compare
from edgekit.learn.adapt.labels import CHOSEN, MOST_CONFIDENT, REFERENCE, Kind
from edgekit.learn.adapt.method_table import methods
from edgekit.learn.adapt.shift import measure
from edgekit.learn.adapt.tables import coral
from edgekit.learn.adapt.task import AdaptationTask, adaptation_task, grouped_folds

__all__ = [
    "BASELINE",
    "CHOSEN",
    "MOST_CONFIDENT",
    "REFERENCE",
    "AdaptationTask",
    "Choice",
    "Comparison",
    "Kind",
    "adaptation_task",
    "choose",
    "compare",
    "coral",
    "grouped_folds",
    "measure",
    "methods",
]
