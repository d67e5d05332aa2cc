"""Kernels for chapters, started ahead: while one chapter runs, the next one's loads its libraries.

TensorFlow takes five seconds to load and each chapter has a Python process of its own, as in Jupyter; on a
second core that costs no time. Where there is none, or little memory, nothing is loaded ahead.
"""

from __future__ import annotations

import ast
import os
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path
from typing import Any

from edgekit.core.errors import EdgekitError
from edgekit.core.extras import remedy
from edgekit.core.workspace import Workspace
from edgekit.pipeline.chapters import code

NAME = "python3"
PATIENCE_S = 180  # until one answers; TensorFlow's first load of all takes half a minute
QUIET = (
    "--IPKernelApp.log_level=CRITICAL",  # a slow exit is no error
    "--HistoryManager.hist_file=:memory:",  # what a chapter runs is nobody's history
)
ROOM = 2 << 30  # bytes of memory that are free; a process with TensorFlow in it holds 0.8 GB
SOCKET_NAME = 103  # bytes: the longest on macOS; Linux takes four more
LOADS = {"load_tensorflow": "edgekit.learn.legacy"}  # a function's name -> what it imports


class Kernels:
    """The kernel of the chapter that runs, and of the one behind it. A context: at its end there is none.

    `notebooks`: the chapters in the order in which they will run. A kernel works where Jupyter would start
    it, beside the notebook; for one of the kit's own, which lie in no workspace, in the `workspace`.
    """

    def __init__(self, notebooks: Sequence[Path], workspace: Workspace) -> None:
        self.notebooks, self.workspace = list(notebooks), workspace
        self._ready: dict[Path, _Kernel] = {}

    def __enter__(self) -> Kernels:
        return self

    def __exit__(self, *_: object) -> None:
        self._end_waiting()

    @contextmanager
    def of(self, notebook: Path) -> Iterator[Any]:
        """The manager (of jupyter_client) of a kernel for `notebook`, which ends with the block; meanwhile
        the next chapter's loads what that imports. Raises EdgekitError where Jupyter has no Python."""
        kernel = self._ready.pop(notebook, None)
        self._end_waiting()  # what was made ready for a chapter that was then skipped
        if kernel is not None and not kernel.alive():
            kernel.end(now=True)
            kernel = None
        kernel = kernel or self._start(notebook)
        now = True
        try:
            for following in self.notebooks[self.notebooks.index(notebook) + 1 :][:1]:
                self._start_ahead(following)
            yield kernel.manager
            now = False
        finally:
            kernel.end(now)

    def _start_ahead(self, notebook: Path) -> None:
        """Where there is room; what goes wrong shows when the chapter's turn comes."""
        with suppress(EdgekitError, RuntimeError, OSError):
            if _there_is_room():
                self._ready[notebook] = self._start(notebook, imports(notebook))

    def _end_waiting(self) -> None:
        while self._ready:
            self._ready.popitem()[1].end(now=True)

    def _start(self, notebook: Path, loading: str = "") -> _Kernel:
        own = notebook.is_relative_to(self.workspace.folder)
        return _Kernel(notebook.parent if own else self.workspace.folder, loading)


class _Kernel:
    """A Python process in the folder `place` that has run the lines `loading` and waits."""

    def __init__(self, place: Path, loading: str) -> None:
        from jupyter_client.kernelspec import NoSuchKernel
        from jupyter_core.utils import run_sync

        self._sockets = tempfile.TemporaryDirectory(ignore_cleanup_errors=True)
        self.manager = _manager_class()(kernel_name=NAME, **_connection(Path(self._sockets.name)))
        words = [f"--IPKernelApp.code_to_run=exec({loading!r}, {{}})"] if loading else []
        try:
            run_sync(self.manager.start_kernel)(extra_arguments=[*QUIET, *words], cwd=str(place))
        except NoSuchKernel:
            raise EdgekitError(f"Jupyter finds no kernel {NAME!r}: {remedy('notebooks')}") from None

    def alive(self) -> bool:
        """Whether its process is still there."""
        from jupyter_core.utils import run_sync

        return bool(run_sync(self.manager.is_alive)())

    def end(self, now: bool) -> None:
        """By itself, so that it cleans up after its chapter, or at once; one that is gone is no fault."""
        from jupyter_core.utils import run_sync

        for client in self.manager.clients:
            client.stop_channels()
        with suppress(RuntimeError, OSError):
            run_sync(self.manager.shutdown_kernel)(now=now)
        self._sockets.cleanup()


def _there_is_room() -> bool:
    import psutil

    return (os.cpu_count() or 1) > 1 and psutil.virtual_memory().available > ROOM


def imports(notebook: Path) -> str:
    """The imports with which the first cell of code behind the parameters begins, as Python; of the kit's
    slow loading, too. What stands behind anything else may depend on it, and is left to the chapter; so is
    what is no Python (a line of IPython).
    """
    try:
        tree = ast.parse(next(iter(code(notebook)), ""))
    except SyntaxError:
        return ""
    lines = []
    for node in tree.body:
        if isinstance(node, ast.Import | ast.ImportFrom):
            lines += [ast.unparse(node)] if getattr(node, "module", "") != "__future__" else []
        elif name := _loader(node):
            lines.append(f"import {LOADS[name]}")
        else:
            break
    if not lines:
        return ""
    # what is missing, the chapter says
    return "\n ".join(["import contextlib\nwith contextlib.suppress(Exception):", *lines])


def _loader(node: ast.stmt) -> str:
    """The function of LOADS that this statement calls, and does nothing else but name the result; else ""."""
    value = node.value if isinstance(node, ast.Expr | ast.Assign) else None
    called = value.func if isinstance(value, ast.Call) else None
    name = called.attr if isinstance(called, ast.Attribute) else ""
    return name if name in LOADS else ""


@cache
def _manager_class() -> Any:
    from jupyter_client.manager import AsyncKernelManager

    class Manager(AsyncKernelManager):
        """Remembers who speaks to its kernel: papermill hangs up only on kernels of its own."""

        def __init__(self, **how: Any):
            super().__init__(**how)
            self.clients: list = []

        def client(self, **how: Any) -> Any:
            self.clients.append(super().client(**how))
            return self.clients[-1]

    return Manager


def _connection(folder: Path) -> dict[str, Any]:
    """By files in `folder`, where the system has such sockets.

    Ports are searched first and taken later: of two runs that start at once, one finds its port gone.
    """
    file = str(folder / "kernel.json")  # names the sockets too: kernel.json-1 to -5
    if os.name == "nt" or len(os.fsencode(file)) + 2 > SOCKET_NAME:
        return {}
    return {"transport": "ipc", "connection_file": file}
