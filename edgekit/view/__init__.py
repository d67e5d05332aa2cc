"""What a person looks at: pictures, controls in a notebook, and the report of a run."""

import matplotlib.pyplot as plt
import pandas as pd

from edgekit.core.html_table import show_frames
from edgekit.core.lazy import getter
from edgekit.core.notebook import shell
from edgekit.view.adaptation import (
    plot_adaptation,
    plot_distances,
    plot_method_choice,
    plot_shift,
    plot_shots,
)
from edgekit.view.alarm import plot_cost, plot_health, plot_remaining_life, plot_scores
from edgekit.view.browse import browse, plot_recording
from edgekit.view.design import (
    plot_battery_life,
    plot_board_memory,
    plot_life_over_rate,
    plot_power,
)
from edgekit.view.device import plot_flash, plot_instructions, plot_memory
from edgekit.view.diagrams import plot_chapter
from edgekit.view.drift import plot_drifts, plot_operating_curves
from edgekit.view.explore import explore
from edgekit.view.federate import plot_inversions, plot_rows
from edgekit.view.fleet import plot_cohorts, plot_fleet, plot_fleet_bytes
from edgekit.view.label import label
from edgekit.view.label_pictures import draw_boxes, draw_signal
from edgekit.view.learning import plot_confusion, plot_pareto, plot_reliability, plot_sweep
from edgekit.view.memory_map import plot_memory_map
from edgekit.view.palette import COLOURS
from edgekit.view.pictures import plot_counts, plot_frames, plot_heatmap
from edgekit.view.placement import place_functions, plot_placement
from edgekit.view.power_cut import plot_power_cut
from edgekit.view.signals import plot_augmented, plot_features, plot_recordings, plot_spectra
from edgekit.view.updates import plot_deltas

# what needs more than a picture does
__getattr__ = getter(
    __name__,
    {"label_fleet": "edgekit.view.label_queue", "write_papers": "edgekit.view.papers"},
)

pd.set_option("display.max_colwidth", None)  # reasons are sentences
pd.set_option("display.html.use_mathjax", False)  # a label with two $ is no formula
plt.rcParams["axes.prop_cycle"] = plt.cycler(color=COLOURS)  # a reader's own pictures, too
show_frames(shell())

__all__ = [
    "browse",
    "draw_boxes",
    "draw_signal",
    "explore",
    "label",
    "label_fleet",
    "place_functions",
    "plot_adaptation",
    "plot_augmented",
    "plot_battery_life",
    "plot_board_memory",
    "plot_chapter",
    "plot_cohorts",
    "plot_confusion",
    "plot_cost",
    "plot_counts",
    "plot_deltas",
    "plot_distances",
    "plot_drifts",
    "plot_features",
    "plot_flash",
    "plot_fleet",
    "plot_fleet_bytes",
    "plot_frames",
    "plot_health",
    "plot_heatmap",
    "plot_instructions",
    "plot_inversions",
    "plot_life_over_rate",
    "plot_memory",
    "plot_memory_map",
    "plot_method_choice",
    "plot_operating_curves",
    "plot_pareto",
    "plot_placement",
    "plot_power",
    "plot_power_cut",
    "plot_recording",
    "plot_recordings",
    "plot_reliability",
    "plot_remaining_life",
    "plot_rows",
    "plot_scores",
    "plot_shift",
    "plot_shots",
    "plot_spectra",
    "plot_sweep",
    "write_papers",
]
