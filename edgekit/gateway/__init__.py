"""A gateway: what devices say is kept, looked at by a larger model, and passed on to the cloud.

    process.run(settings)      MQTT in, commit, acknowledge; opinions and statistics; HTTP batches out

`edgekit gateway` runs it. The cloud is only known by its URL.
"""

from edgekit.gateway.process import Settings, run
from edgekit.gateway.second_opinion import Judge, LargerModel, Statistics

__all__ = ["Judge", "LargerModel", "Settings", "Statistics", "run"]
