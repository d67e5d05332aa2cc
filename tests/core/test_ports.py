"""Who waits for a server learns that it answers, that it ended, or that it takes too long."""

import threading
import time

from edgekit.core.ports import await_server, free_port, listen, reach


def test_a_server_that_comes_later_is_found():
    port, opened = free_port(), []
    threading.Timer(0.2, lambda: opened.append(listen("127.0.0.1", port))).start()
    assert await_server(lambda: reach(port), lambda: True, 10)
    opened[0].close()


def test_one_that_ended_is_not_waited_for_and_one_that_hangs_not_for_ever():
    port, began = free_port(), time.monotonic()
    assert not await_server(lambda: reach(port), lambda: False, 60)
    assert not await_server(lambda: reach(port), lambda: True, 0.1)
    assert time.monotonic() - began < 10
