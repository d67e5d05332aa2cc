"""What a person looks at: pictures, controls in a notebook, and the report of a run."""

from edgekit.view.explore import explore
from edgekit.view.signals import plot_recordings, plot_spectra

__all__ = ["explore", "plot_recordings", "plot_spectra"]
