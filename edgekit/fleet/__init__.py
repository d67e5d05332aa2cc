"""Many devices over many weeks: what drifts is noticed, labelled, retrained, rolled out and watched.

simulate(use_case, devices=20, weeks=26, policy="loop")   a fleet over months, and what came of it
Plan(policy, labels=0.02, labellers=1)                   what its owner decides
drifts(use_case)                                         what may change in its world
estimate(right, weight)                                  accuracy from random labels, with its interval
operating_curves(site)                                   what detectors find there, and at what price
spread(engine, release)                                  which device ran it in which week
tiers(folder, devices)                                   broker, gateway and cloud, running
reports(summary)                                         what the gate said of each candidate
"""

from edgekit.core import lazy

POLICIES = ("loop", "frozen", "full")  # of `Plan`; the last two are what the first is held against
_HOMES = {
    "Plan": "edgekit.fleet.loop",
    "Simulation": "edgekit.fleet.simulation",
    "drifts": "edgekit.fleet.world",
    "estimate": "edgekit.labels",
    "operating_curves": "edgekit.fleet.detectors",
    "reports": "edgekit.fleet.status",
    "simulate": "edgekit.fleet.simulation",
    "spread": "edgekit.fleet.status",
    "summary": "edgekit.fleet.status",
    "tiers": "edgekit.fleet.desk",
}
__all__ = [
    "POLICIES",
    "Plan",
    "Simulation",
    "drifts",
    "estimate",
    "operating_curves",
    "reports",
    "simulate",
    "spread",
    "summary",
    "tiers",
]
__getattr__ = lazy.getter(__name__, _HOMES)
