"""Search for the smallest student that keeps its accuracy, on figures of the emulated device.

result = search(search_config("bearing", "quick", seed=0), trials=40, workers=2)

`space` says what a student may be, `cost` what it will take, `objective` evaluates one, `study` proposes and
remembers, `executor` has the work done, `finalists` and `choice` choose. Needs the extra `search`.
"""

from edgekit.core.lazy import getter

_HOMES = {
    "search": "edgekit.search.finalists",
    "choose": "edgekit.search.choice",
    "front": "edgekit.search.choice",
    "search_config": "edgekit.search.config",
    "load_search_result": "edgekit.search.result",
}
__all__ = list(_HOMES)
__getattr__ = getter(__name__, _HOMES)
