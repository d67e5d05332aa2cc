"""A plugin of amqtt: no last wills. amqtt publishes them without asking whether their client may, so a device
could speak in the name of another; nothing here needs one.
"""

from __future__ import annotations

from amqtt.plugins.base import BasePlugin


class NoWills(BasePlugin):
    """Forgets a client's will as soon as it has connected."""

    async def on_broker_client_connected(self, *, client_id: str, client_session) -> None:
        client_session.will_flag = False
