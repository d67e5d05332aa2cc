"""A release on its way to many devices: decides, from rows, who gets what. docs/rollout.md has the diagram.

begin          canaries are drawn; nothing is told to a device yet
step           once a week: obeys commands, judges, goes on or takes back; its orders are to be carried out
report         what became of an order, or of a device without one
open_rollouts  those that a week concerns
doubted        devices that the newest release was taken back from alone
under_way      the one that goes on, or is paused
newest         the highest number that devices were given
load           one as it stands

It knows no model, no package and no simulation.
"""

from edgekit.core import lazy

_HOMES = {
    "POLICY": "edgekit.rollout.weekly",
    "Order": "edgekit.rollout.state",
    "Policy": "edgekit.rollout.waves",
    "begin": "edgekit.rollout.weekly",
    "doubted": "edgekit.rollout.weekly",
    "load": "edgekit.rollout.state",
    "newest": "edgekit.rollout.weekly",
    "open_rollouts": "edgekit.rollout.weekly",
    "report": "edgekit.rollout.weekly",
    "step": "edgekit.rollout.weekly",
    "under_way": "edgekit.rollout.weekly",
}
__all__ = [
    "POLICY",
    "Order",
    "Policy",
    "begin",
    "doubted",
    "load",
    "newest",
    "open_rollouts",
    "report",
    "step",
    "under_way",
]
__getattr__ = lazy.getter(__name__, _HOMES)
