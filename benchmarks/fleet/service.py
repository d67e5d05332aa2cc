"""The cloud service as a process, and what it stands on, for tests and benchmarks: PostgreSQL."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

SOURCES = Path(__file__).resolve().parents[2]
POSTGRES = next(
    (p.parent for p in sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), reverse=True)),
    Path(shutil.which("initdb")).parent if shutil.which("initdb") else None,
)


class Service:
    """`edgekit cloud serve` over a database and a folder of objects; `url` is where."""

    def __init__(self, database: str, objects: Path | str, *words: str):
        self.database, self.objects, self.words = database, str(objects), words
        self.process: subprocess.Popen[str] | None = None
        self.url = ""

    def command(self, *words: str) -> list[str]:
        """Words of `edgekit cloud` for this service's database and objects."""
        where = ("--database", self.database, "--objects", self.objects)
        return [sys.executable, "-m", "edgekit", "cloud", words[0], *where, *words[1:]]

    def start(self, port: int = 0) -> Service:
        """Returns when it serves."""
        self.process = subprocess.Popen(
            self.command("serve", "--port", str(port), *self.words),
            cwd=SOURCES, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
        )  # fmt: skip
        assert self.process.stdout is not None
        said = self.process.stdout.readline()
        found = re.search(r"https?://\S+", said)
        if not found:
            raise RuntimeError(f"the service did not start: {said!r}")
        self.url = found[0]
        return self

    def run(self, *words: str) -> str:
        """What another command of `edgekit cloud` prints."""
        done = subprocess.run(
            self.command(*words), cwd=SOURCES, capture_output=True, text=True, check=True
        )
        return done.stdout

    def token(self, name: str, *words: str) -> str:
        """A new token."""
        return self.run("token", name, *words).split()[-1]

    def stop(self, kill: bool = False) -> None:
        """End it; `kill`: as a power cut would."""
        if self.process:
            (self.process.kill if kill else self.process.terminate)()
            self.process.wait(30)
            self.process = None


@contextmanager
def service(database: str, objects: Path | str, *words: str) -> Iterator[Service]:
    """A service that runs while the `with` block does."""
    running = Service(database, objects, *words).start()
    try:
        yield running
    finally:
        running.stop()


@contextmanager
def postgresql() -> Iterator[str]:
    """A PostgreSQL of our own in a temporary folder, durable as it comes; its URL. It refuses root."""
    assert POSTGRES is not None
    folder = Path(tempfile.mkdtemp(prefix="edgekit-pg-"))
    who: dict = {}
    if os.geteuid() == 0:
        user = (
            "postgres"
            if shutil.which("pg_ctl", path=str(POSTGRES)) and _known("postgres")
            else "nobody"
        )
        shutil.chown(folder, user)
        who = {"user": user, "group": os.stat(folder).st_gid, "extra_groups": []}
    env = {**os.environ, "LC_ALL": "C", "HOME": str(folder)}
    data, process = folder / "data", None
    try:
        quiet = {"env": env, "cwd": folder, "stdout": subprocess.DEVNULL, **who}
        initdb = [POSTGRES / "initdb", "-D", data, "-U", "edgekit", "-A", "trust", "-E", "UTF8"]
        subprocess.run(initdb, check=True, stderr=subprocess.DEVNULL, **quiet)
        with (folder / "log").open("wb") as log:
            process = subprocess.Popen(
                [POSTGRES / "postgres", "-D", data, "-k", folder, "-c", "listen_addresses="],
                stderr=log, **quiet,
            )  # fmt: skip
        _until_ready(folder, env)
        yield f"postgresql://edgekit@/postgres?host={folder}"
    finally:
        if process:
            process.send_signal(2)  # fast shutdown
            process.wait(30)
        shutil.rmtree(folder, ignore_errors=True)


def _until_ready(folder: Path, env: dict) -> None:
    assert POSTGRES is not None
    for _ in range(300):
        asked = [POSTGRES / "pg_isready", "-q", "-h", folder, "-U", "edgekit"]
        if subprocess.run(asked, env=env).returncode == 0:
            return
        time.sleep(0.1)
    raise RuntimeError((folder / "log").read_text(errors="replace")[-500:])


def _known(user: str) -> bool:
    import pwd

    return any(entry.pw_name == user for entry in pwd.getpwall())
