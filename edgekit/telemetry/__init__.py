"""What devices say: events, and the outboxes that keep each until whoever is next has committed it.

A device numbers its events (epoch, sequence) and repeats them until the gateway has acknowledged, the gateway
until the cloud has: delivery is at least once on every hop, and a key makes it once in every table. Brokers
are not trusted with any of it.

    outbox.Outbox, EventSource     events on their way, and their numbers
    uplink.Uplink                  a device's side over MQTT; its C is in firmware/telemetry
    segment.Segment, Opinion       a flagged window, and what a larger model says of it
    privacy.may_leave              what a use case's devices may send
"""

from edgekit.telemetry.event import Event, Kind, pack, unpack
from edgekit.telemetry.outbox import EventSource, Outbox
from edgekit.telemetry.segment import Opinion, Reason, Segment

__all__ = ["Event", "EventSource", "Kind", "Opinion", "Outbox", "Reason", "Segment", "pack"]
__all__ += ["unpack"]
