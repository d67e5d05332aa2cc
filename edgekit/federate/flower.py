"""What the kit uses of Flower, imported in one place, after Flower was told to keep quiet.

The last four are private to flwr 1.42.0, which is why `pyproject.toml` pins it: a Message asks who sends it,
and the wire form is what a byte count needs.
"""

from __future__ import annotations

import logging

from edgekit.core.extras import missing
from edgekit.federate.offline import silence

silence()
try:
    from flwr.app import (
        Array,
        ArrayRecord,
        ConfigRecord,
        Context,
        Error,
        Message,
        MetricRecord,
        RecordDict,
    )
    from flwr.clientapp import ClientApp
    from flwr.clientapp.mod import LocalDpMod
    from flwr.common.serde import message_from_proto, message_to_proto
    from flwr.proto.message_pb2 import Message as WireMessage
    from flwr.serverapp import Grid, ServerApp, strategy
    from flwr.supercore.task_identity import TaskIdentity
except ModuleNotFoundError:
    raise missing("federated learning needs", "flwr") from None

logging.getLogger("flwr").setLevel(logging.ERROR)  # else it tells each round in ten lines

__all__ = [
    "Array", "ArrayRecord", "ClientApp", "ConfigRecord", "Context", "Error", "Grid", "LocalDpMod", "Message",
    "MetricRecord", "RecordDict", "ServerApp", "TaskIdentity", "WireMessage", "message_from_proto",
    "message_to_proto", "strategy",
]  # fmt: skip
