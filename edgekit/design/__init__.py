"""The design: the budget that every stage is judged by, and the gate that judges."""

from edgekit.design.design import *  # noqa
