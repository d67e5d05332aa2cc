"""Mutants of the device's C: mistakes that somebody might make, built in one at a time; does a test notice?

A mutant is given to the tests as they stand, in a process of its own: where they ask for a file of the
device, they get the mutated one. The first test that fails has caught it. Tests that look at the text of the
C rather than at what it does are found out by a file that is only spaced otherwise, and are not asked.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.ota import parts
from edgekit import firmware
from edgekit.core.errors import EdgekitError
from edgekit.core.workspace import Workspace

PATIENCE = 300  # seconds for all tests of one mutant
NEUTRAL = "spaced otherwise"


@dataclass(frozen=True)
class Mutant:
    """`changes`: (old, new) texts in `file`; each old one stands there exactly once. `wrong`: its name."""

    file: str
    wrong: str
    changes: tuple[tuple[str, str], ...]

    def source(self) -> str:
        """The file with the mistake in it. Raises EdgekitError for a text that is not there once."""
        text = original(self.file)
        for old, new in self.changes:
            if text.count(old) != 1:
                raise EdgekitError(
                    f"{self.file} has {text.count(old)} places that read {old!r}: "
                    f"mend the mutant “{self.wrong}”"
                )
            text = text.replace(old, new)
        return text


@dataclass(frozen=True)
class Found:
    """What became of a mutant: `by` the test that failed, "" if none did; `how` it failed."""

    mutant: Mutant
    by: str
    how: str
    failed: tuple[str, ...] = ()
    times: dict[str, float] = field(default_factory=dict)


def original(name: str) -> str:
    return firmware.c_sources(name)[name]


def neutral(text: str) -> str:
    """The same C, spaced otherwise: twice where it stands once, but for literals, comments, directives."""
    pieces = re.split(
        r'(/\*.*?\*/|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'|^#(?:.*\\\n)*.*$|@\w+@)',
        text,
        flags=re.DOTALL | re.MULTILINE,
    )
    return "".join(part if i % 2 else part.replace(" ", "  ") for i, part in enumerate(pieces))


class Lab:
    """Runs tests over mutated files, `workers` at a time. A context manager: its folder goes with it.

    tests: of each file those that can notice, the likely ones first.
    """

    def __init__(self, tests: dict[str, tuple[str, ...]], workers: int = os.cpu_count() or 1):
        self.tests, self.workers = tests, workers
        self.times: dict[str, float] = {}
        self.blind: list[str] = []  # tests that judge the text, or fail without any mutant

    def __enter__(self) -> Lab:
        self.folder = Path(tempfile.mkdtemp(prefix="edgekit-mutants-"))
        _preload()
        return self

    def __exit__(self, *_) -> None:
        shutil.rmtree(self.folder, ignore_errors=True)

    def calibrate(self) -> None:
        """How long each test takes, and which ones cannot be asked: they fail on the same C spaced otherwise.

        Raises EdgekitError if the tests cannot be run at all.
        """
        same = {name: neutral(original(name)) for name in self.tests}
        asked = dict.fromkeys(test for tests in self.tests.values() for test in tests)
        jobs = [(Mutant("", f"{NEUTRAL}, {test}", ()), same, (test,), False) for test in asked]
        for found in self._all(jobs):
            if not found.times:
                raise EdgekitError(f"{found.mutant.wrong}: no test ran: {found.how}")
            self.times |= found.times
            self.blind += found.failed

    def run(self, mutants: list[Mutant]) -> Iterable[Found]:
        """Each mutant through the tests of its file, of each the quick ones first, until one fails.

        Raises EdgekitError for a mutant whose text is not there, or does not compile.
        """
        jobs = [(m, {m.file: m.source()}, self.tests[m.file], True) for m in mutants]
        for found in self._all(jobs):
            if "compiling for" in found.how:
                raise EdgekitError(f"the mutant “{found.mutant.wrong}” is no C: {found.how}")
            yield found

    def _all(self, jobs: list[tuple]) -> Iterable[Found]:
        """A process for each job, as many at a time as there are workers; what they found, as it comes."""
        waiting, running = list(reversed(jobs)), {}
        try:
            while waiting or running:
                while waiting and len(running) < self.workers:
                    mutant, files, order, stop = waiting.pop()
                    out = Path(tempfile.mkdtemp(dir=self.folder))
                    sys.stdout.flush()
                    pid = os.fork()
                    if pid == 0:
                        self._child(out, files, order, stop)
                    running[pid] = (mutant, out, time.monotonic())
                pid, status = os.waitpid(-1, os.WNOHANG)
                if pid in running:
                    mutant, out, _ = running.pop(pid)
                    yield _found(mutant, out, status)
                    shutil.rmtree(out)
                    continue
                for pid, (*_, began) in running.items():
                    if time.monotonic() - began > PATIENCE:
                        with suppress(ProcessLookupError):
                            os.killpg(pid, signal.SIGKILL)
                time.sleep(0.02)
        finally:
            for pid in running:
                with suppress(ProcessLookupError):
                    os.killpg(pid, signal.SIGKILL)
                os.waitpid(pid, 0)

    def _child(self, out: Path, files: dict, order: list[str], stop: bool) -> None:
        """In the forked process: the tests over the mutated files. Does not return."""
        code = 70
        try:
            os.setpgid(0, 0)  # compilers and drivers end with it
            os.chdir(Workspace.find().folder)
            os.environ["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"  # these tests need none
            with open(out / "log", "w") as log:
                os.dup2(log.fileno(), 1)
                os.dup2(log.fileno(), 2)
            _overlay(files)
            _forget()
            parts.compile_mutants(self.folder)
            import pytest

            skip = [f"--deselect={name}" for name in self.blind]
            code = pytest.main(
                ["-q", "-p", "no:cacheprovider", *["-x"] * stop, *skip, *order],
                plugins=[Watch(out, self.times, order)],
            )
        except BaseException as error:
            print(repr(error))
        finally:
            sys.stdout.flush()
            os._exit(int(code))


class Watch:
    """A plugin of pytest: quick tests first; notes what is under way, what failed, and how long each took."""

    def __init__(self, out: Path, times: dict[str, float], order: list[str]):
        self.out, self.times, self.order, self.took, self.failed = out, times, order, {}, []

    def pytest_sessionstart(self) -> None:
        from hypothesis import settings

        settings.load_profile("mutants")  # instead of the one that tests/conftest.py chose

    def pytest_collection_modifyitems(self, items) -> None:
        def rank(item):
            file = item.nodeid.partition("::")[0]
            place = next((i for i, t in enumerate(self.order) if t.startswith(file)), 0)
            return (place, self.times.get(item.nodeid, 0.0))

        if self.times:
            items.sort(key=rank)

    def pytest_runtest_logstart(self, nodeid: str) -> None:
        (self.out / "now").write_text(nodeid)

    def pytest_runtest_logreport(self, report) -> None:
        self.took[report.nodeid] = self.took.get(report.nodeid, 0) + report.duration
        if report.failed:
            crash = getattr(report.longrepr, "reprcrash", None)
            self.failed.append((report.nodeid, (crash.message if crash else str(report.longrepr))))
        (self.out / "report").write_text(json.dumps({"took": self.took, "failed": self.failed}))


def _found(mutant: Mutant, out: Path, status: int) -> Found:
    report = out / "report"
    said = json.loads(report.read_text()) if report.exists() else {"took": {}, "failed": []}
    failed = [
        (name, how.strip().splitlines()[0][:150] if how else "") for name, how in said["failed"]
    ]
    log = (out / "log").read_text(errors="replace") if (out / "log").exists() else ""
    for _, how in said["failed"]:
        if "compiling for" in how:
            failed = [(failed[0][0], re.search(r"compiling for.*", how)[0][:200])]
    now = (out / "now").read_text() if (out / "now").exists() else ""
    if os.WIFSIGNALED(status):
        number = os.WTERMSIG(status)
        failed.append((now, "hangs" if number == signal.SIGKILL else signal.Signals(number).name))
    elif os.WEXITSTATUS(status) not in (0, 1):  # of pytest: not run, or not to its end
        raise EdgekitError(f"the tests do not run over “{mutant.wrong}”: {log[-500:]}")
    by, how = failed[0] if failed else ("", log.strip().splitlines()[-1] if log.strip() else "")
    names = tuple(name for name, _ in failed)
    return Found(mutant, by, how, names, said["took"])


def _preload() -> None:
    """What every child needs, imported once. No C is compiled or loaded here."""
    import cbor2  # noqa: F401
    import hypothesis
    import nbformat  # noqa: F401 - seconds
    import pandas  # noqa: F401
    import pytest  # noqa: F401
    import unicorn  # noqa: F401

    from edgekit.agent import simulator, verification_cost  # noqa: F401
    from edgekit.assurance import fuzz_delta, fuzz_manifest, powercut  # noqa: F401

    quick = hypothesis.Phase.explicit, hypothesis.Phase.generate  # a failure need not be made small
    hypothesis.settings.register_profile(
        "mutants", deadline=None, phases=quick, derandomize=True, database=None,
        suppress_health_check=list(hypothesis.HealthCheck),
    )  # fmt: skip


def _forget() -> None:
    """What this process inherited: libraries of the C as it is, which would answer in a mutant's place."""
    for name, module in list(sys.modules.items()):
        if name.startswith("edgekit."):
            for thing in list(vars(module).values()):
                if hasattr(thing, "cache_clear"):
                    thing.cache_clear()


def _overlay(files: dict[str, str]) -> None:
    """Whoever asks for the C of a device from now on gets that of `files`."""
    real = firmware.update_source
    firmware.update_source = lambda name: files[name] if name in files else real(name)
