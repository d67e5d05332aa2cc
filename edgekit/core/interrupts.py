"""An interrupt that waits: half of a library loaded, it never loads again."""

from __future__ import annotations

import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def defer_interrupt(what: str) -> Iterator[None]:
    """Ctrl-C, or a notebook's stop button, waits until the block is done; then it interrupts.

    `what` is being done: the sentence that answers the first of them says so. Outside of the main thread
    nothing changes, because no interrupt arrives there.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    asked: list[bool] = []

    def wait(*_: object) -> None:
        if not asked:
            print(f"{what}: stops when that is done, in some seconds", file=sys.stderr)
        asked.append(True)

    before = signal.signal(signal.SIGINT, wait)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, signal.SIG_DFL if before is None else before)
    if asked and before is not signal.SIG_IGN:
        raise KeyboardInterrupt
