"""Processes of Flower, each the head of a group that is ended as a whole."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import sysconfig
import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from edgekit.core.errors import EdgekitError
from edgekit.federate.deployment.apps import FOLDER
from edgekit.federate.offline import SILENT

GRACE = 4.0  # seconds to end by itself; a SuperNode that looks for its SuperLink does not
POLL = "0.2"  # seconds between two looks for a task, in place of Flower's 1
TAIL = 1 << 14  # bytes of a log in which the reason is looked for
COLOURS = re.compile(r"\x1b\[[0-9;]*m")


def environment(folder: Path) -> dict[str, str]:
    """The variables of a process whose folder this is: Flower silent, its state in the folder."""
    direct = ",".join(filter(None, [os.environ.get("NO_PROXY"), "127.0.0.1", "localhost"]))
    scripts = sysconfig.get_path("scripts")  # where Flower looks for its other commands
    return {
        **os.environ,
        **SILENT,
        "FLWR_HOME": str(folder / "flower"),
        "FLWR_SUPEREXEC_TASK_POLL_INTERVAL": POLL,
        FOLDER: str(folder),
        "PATH": os.pathsep.join([scripts, os.environ.get("PATH", os.defpath)]),
        "PYTHONPATH": os.pathsep.join(p for p in sys.path if p),  # what we import, they do
        "OMP_NUM_THREADS": "1",
        "TF_CPP_MIN_LOG_LEVEL": "2",
        "PYTHONUNBUFFERED": "1",
        "NO_PROXY": direct,
        "no_proxy": direct,
    }


@dataclass
class Process:
    """One process of Flower and all that it started; its words go to `log`."""

    name: str
    log: Path
    popen: subprocess.Popen

    @classmethod
    def start(cls, name: str, command: Sequence[str], folder: Path) -> Process:
        """`command` ("superlink" or "supernode", words) with its state and its log in `folder`."""
        if os.name != "posix":
            raise EdgekitError("a deployment needs Linux or macOS: run the plan in process here")
        (folder / "flower").mkdir(parents=True, exist_ok=True)
        log = folder / f"{command[0]}.log"
        launch = [sys.executable, "-m", "edgekit.federate.deployment.launch", str(os.getpid())]
        with log.open("wb") as file:
            popen = subprocess.Popen(
                [*launch, *command], stdin=subprocess.DEVNULL, stdout=file, stderr=file,
                env=environment(folder), start_new_session=True,
            )  # fmt: skip
        return cls(name, log, popen)

    @property
    def alive(self) -> bool:
        return self.popen.poll() is None

    def how(self) -> str:
        """How it ended, in a few words."""
        code = self.popen.poll()
        if code is None:
            return "is running"
        if code < 0:
            return f"was killed ({signal.Signals(-code).name})"
        return f"ended: {self.reason()}"

    def reason(self) -> str:
        """What its log gives as the reason of its end, in one line."""
        with self.log.open("rb") as file:
            file.seek(max(0, self.log.stat().st_size - TAIL))
            lines = COLOURS.sub("", file.read().decode(errors="replace")).splitlines()
        for words, meaning in MEANS.items():
            if any(words in line for line in lines):
                return meaning
        found = [line.strip() for line in lines if any(w in line for w in REASONS)]
        return (found or [line.strip() for line in lines if line.strip()] or ["nothing said"])[-1]

    def tell(self, number: int) -> None:
        """Send a signal to all of the group; on Windows none is started."""
        if sys.platform != "win32":
            with suppress(ProcessLookupError, PermissionError):  # macOS says the latter for "gone"
                os.killpg(self.popen.pid, number)

    def kill(self) -> None:
        """End all of the group at once."""
        if sys.platform != "win32":
            self.tell(signal.SIGKILL)

    def left(self) -> bool:
        """Whether anything of the group is still there."""
        self.popen.poll()
        if sys.platform == "win32":
            return False
        try:
            os.killpg(self.popen.pid, 0)
        except (ProcessLookupError, PermissionError):
            return False
        return True


MEANS = {  # what Flower says -> what it means here
    "CERTIFICATE_VERIFY_FAILED": "the SuperLink's certificate is not of this ca.pem, or not for this address",
    "code: 2004": "the SuperLink does not know this node's key: admit it. Of a node that was killed it "
    "believes for a minute that it is there: join again then",
    "address already in use": "another process listens at that port: take another one",
}
REASONS = ("Error", "error", "code:", "Failed", "Unable")


def stop(processes: Sequence[Process]) -> None:
    """End the groups of all `processes`: asked first, then killed."""
    for p in processes:
        p.tell(signal.SIGTERM)
    until = time.monotonic() + GRACE
    while time.monotonic() < until and any(p.left() for p in processes):
        time.sleep(0.05)
    for p in processes:
        p.kill()
    for p in processes:
        p.popen.wait()


def flower(
    words: Sequence[str], folder: Path, timeout: float, alive: Callable[[], bool] = lambda: True
) -> tuple[int, str]:
    """`flwr`, with `words` and the state of `folder`: its exit code and all that it said.

    It is ended when `alive` (the SuperLink that it asks) is so no more. Raises EdgekitError if it takes
    longer than `timeout` s.
    """
    script = Path(sysconfig.get_path("scripts")) / "flwr"
    until = time.monotonic() + timeout
    with tempfile.TemporaryFile() as said:
        popen = subprocess.Popen(
            [sys.executable, str(script), *words], env=environment(folder), stdin=subprocess.DEVNULL,
            stdout=said, stderr=said, start_new_session=True,
        )  # fmt: skip
        process = Process("flwr", folder, popen)
        try:
            while process.alive and alive() and time.monotonic() < until:
                time.sleep(0.1)
            if process.alive and alive():
                raise EdgekitError(f"flwr {words[0]} did not come to an end within {timeout:g} s")
        finally:
            process.kill()
            popen.wait()
        said.seek(0)
        return popen.returncode, COLOURS.sub("", said.read().decode(errors="replace"))
