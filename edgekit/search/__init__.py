"""Search for the smallest student that keeps its accuracy, on figures of the emulated device.

result = search(search_config("bearing", "quick", seed=0), trials=40, workers=2)

`space` says what a student may be, `cost` what it will take, `objective` evaluates one, `study` proposes and
remembers, `executor` has the work done, `finalists` and `choice` choose. Needs the extra `search`.
"""

from importlib import import_module

_HOMES = {
    "search": "finalists",
    "choose": "choice",
    "front": "choice",
    "search_config": "config",
    "load_search_result": "result",
}
__all__ = list(_HOMES)


def __getattr__(name: str):
    if name in _HOMES:
        return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
