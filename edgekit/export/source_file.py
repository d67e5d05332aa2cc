"""Generated C in files and back, so that what was generated once need not be generated again."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from dataclasses import fields
from typing import Any

import numpy as np

from edgekit.core.errors import EdgekitError
from edgekit.export.plan import Buffer, Plan
from edgekit.export.source import Source
from edgekit.operators.graph import Graph
from edgekit.operators.layer import Layer


def to_text(source: Source) -> str:
    """All of a Source but its graph, as JSON."""
    plan = vars(source.plan) | {
        "offsets": list(source.plan.offsets.items()),
        "buffers": [vars(b) for b in source.plan.buffers],
    }
    values = {
        "name": source.name,
        "files": source.files,
        "layers": [vars(layer) for layer in source.layers],
        "plan": plan,
        "alias": list(source.alias.items()),
        "slot": source.slot,
    }
    return json.dumps(values, indent=1, default=_value)


def from_text(text: str, graph: Graph) -> Source:
    """The Source that `to_text` wrote, of this graph. Raises EdgekitError for a text that is damaged."""
    try:
        values = json.loads(text)
        plan = dict(values["plan"])
        plan["offsets"] = {_key(k): at for k, at in plan["offsets"]}
        plan["buffers"] = tuple(Buffer(**b | {"key": _key(b["key"])}) for b in plan["buffers"])
        return Source(
            name=values["name"],
            files=dict(values["files"]),
            layers=tuple(_layer(layer) for layer in values["layers"]),
            plan=Plan(**plan),
            graph=graph,
            alias=dict(map(tuple, values["alias"])),
            slot=values["slot"],
        )
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise EdgekitError(f"generated code that was kept is damaged: {error}") from None


def _layer(values: Mapping[str, Any]) -> Layer:
    names = {f.name: str(f.type) for f in fields(Layer)}
    made: dict[str, Any] = {
        k: tuple(v) if names[k].startswith("tuple") else v for k, v in values.items()
    }
    made["overlap"] = {int(i): distance for i, distance in values["overlap"].items()}
    made["constants"] = {k: _array(a) for k, a in values["constants"].items()}
    return Layer(**made)


def _key(key):
    """A buffer is a tensor's, or a layer's scratch or state."""
    return tuple(key) if isinstance(key, list) else key


def _value(value):
    """NumPy's values, for JSON."""
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, np.ndarray):
        data = base64.b64encode(np.ascontiguousarray(value).tobytes()).decode()
        return {"dtype": value.dtype.str, "shape": value.shape, "data": data}
    raise TypeError(f"{type(value).__name__} in generated code")


def _array(values: Mapping[str, Any]) -> np.ndarray:
    data = base64.b64decode(values["data"], validate=True)
    return np.frombuffer(data, np.dtype(values["dtype"])).reshape(values["shape"])
