"""Training in a process of its own: TensorFlow is loaded there once, and ends with whoever asked."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
from collections.abc import Callable
from typing import Any

from edgekit.core.errors import EdgekitError
from edgekit.core.spawn import without_main

GRACE_S = 5.0  # for TensorFlow to be unloaded


class Trainer:
    """Does one thing after another in a child process, which begins with the first. A context manager."""

    def __init__(self) -> None:
        self._process: Any = None

    def __call__(self, do: Callable, *arguments):
        """`do(*arguments)`; raises what it raises, and EdgekitError where the process died over it."""
        if self._process is None or not self._process.is_alive():
            context = multiprocessing.get_context("spawn")
            self._pipe, theirs = context.Pipe()
            self._process = context.Process(target=_serve, args=(theirs,), daemon=True)
            with without_main():
                self._process.start()
            theirs.close()
        try:
            self._pipe.send((do, arguments))
            good, result = self._pipe.recv()
        except (EOFError, OSError):
            self.close()
            raise EdgekitError(
                "the process that trains died; the same command goes on from here"
            ) from None
        if not good:
            raise result
        return result

    def close(self) -> None:
        """End the child process: by itself if it is idle, so that it leaves nothing behind, else at once."""
        if self._process is not None:
            self._pipe.close()
            self._process.join(GRACE_S)
            self._process.kill()
            self._process.join()
            self._process = None

    def __enter__(self) -> Trainer:
        return self

    def __exit__(self, *_) -> None:
        self.close()


def _serve(pipe) -> None:
    """Until the other end is gone, which also happens when its process is killed."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    with contextlib.suppress(EOFError, KeyboardInterrupt, OSError):
        while True:
            do, arguments = pipe.recv()
            try:
                answer = True, do(*arguments)
            except Exception as error:
                answer = False, error
            pipe.send(answer)
