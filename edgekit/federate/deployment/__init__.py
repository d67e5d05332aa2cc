"""Flower between processes and machines: a SuperLink, SuperNodes, one run of the plan, all in one folder."""
