"""What a person looks at: controls in a notebook, and the report of a run."""

from edgekit.view.explore import explore

__all__ = ["explore"]
