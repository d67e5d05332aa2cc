"""What a person looks at: pictures, controls in a notebook, and the report of a run."""

from edgekit.view.device import plot_flash, plot_instructions, plot_memory
from edgekit.view.explore import explore
from edgekit.view.signals import plot_recordings, plot_spectra

__all__ = [
    "explore",
    "plot_flash",
    "plot_instructions",
    "plot_memory",
    "plot_recordings",
    "plot_spectra",
]
