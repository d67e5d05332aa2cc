"""Sliders for a person at a notebook, a plain picture for everybody else."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from edgekit.core.notebook import interactive


def explore(fn: Callable, **controls: tuple | list) -> Any:
    """Call `fn` with sliders and menus, or once with their starting values when headless.

    Each of the `controls`, by the parameter's name, is `(low, high, start)` for a slider (whole numbers make
    whole steps), or `[choice, …]` for a menu, the first being the start. `fn` draws, prints or returns what
    is displayed. Returns the widgets, or headless what `fn` returned. Raises ValueError for another kind of
    control.
    """
    for name, control in controls.items():
        if not isinstance(control, (tuple, list)) or (
            isinstance(control, tuple) and len(control) != 3
        ):
            raise ValueError(f"{name} must be (low, high, start) or a list of choices")
    if not interactive():
        print("Nobody is at a notebook's controls here: this is how they start.")
        return fn(**{name: _start(control) for name, control in controls.items()})
    import ipywidgets

    widgets = {name: _widget(name, control) for name, control in controls.items()}
    return ipywidgets.interactive(fn, {"auto_display": True}, **widgets)


def _start(control):
    return control[2] if isinstance(control, tuple) else control[0]


def _widget(name: str, control):
    import ipywidgets

    label = {"description": name.replace("_", " "), "style": {"description_width": "initial"}}
    if isinstance(control, list):
        return ipywidgets.Dropdown(options=control, value=control[0], **label)
    low, high, start = control
    kind = (
        ipywidgets.IntSlider if all(isinstance(v, int) for v in control) else ipywidgets.FloatSlider
    )
    return kind(
        min=low, max=high, value=start, continuous_update=False, layout={"width": "32em"}, **label
    )
