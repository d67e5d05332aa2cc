"""Labels from people: which windows travel, who is asked for which, what several say, and what it tells.

chosen = choose_windows(confidence, distance, budget, rng, window_bytes)       on the device or gateway
queue = Queue(connection, classes)
for sample in queue.next("ann"): queue.answer(sample.id, "ann", "row")
estimate(*queue.random())                                                      accuracy, honestly
"""

from edgekit.labels.agreement import agreement
from edgekit.labels.choose import choose_windows
from edgekit.labels.estimate import estimate
from edgekit.labels.oracle import Oracle
from edgekit.labels.queue import Queue, Sample

__all__ = ["Oracle", "Queue", "Sample", "agreement", "choose_windows", "estimate"]
