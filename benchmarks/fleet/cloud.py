"""Events a second into the cloud service over HTTP, and how long the dashboard of a large fleet takes."""

from __future__ import annotations

import http.client
import json
import random
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from statistics import median
from urllib.parse import urlsplit

from sqlalchemy import insert

from benchmarks.bars import Bars
from benchmarks.fleet.service import POSTGRES, Service, postgresql, service
from edgekit.cloud import tables
from edgekit.cloud.database import open_database
from edgekit.cloud.ingest import count
from edgekit.cloud.provenance import note
from edgekit.telemetry import Event, Kind, pack
from tests.browser import CHROMIUM, chromium

BATCH, CLIENTS, DEVICES_A_BATCH = 200, 4, 20
GOAL, SHARE, OPEN_S = 2_500, 0.75, 2.0  # events/s; of SQLite's; seconds
FLEET, WEEKS = 10_000, 26


def bars(bars: Bars, smoke: bool = False) -> None:
    """Ingest on both databases in turn, then the dashboard."""
    batches, rounds = (10, 2) if smoke else (40, 3)
    with ExitStack() as stack, tempfile.TemporaryDirectory() as folder:
        where = {"SQLite": f"{folder}/cloud.db"}
        if POSTGRES:
            where["PostgreSQL"] = stack.enter_context(postgresql())
        found: dict[str, list[float]] = {name: [] for name in where}
        stored = True
        for turn in range(rounds):
            for name, url in where.items():
                rate, whole = ingest(url, Path(folder), batches, turn)
                found[name].append(rate)
                stored &= whole
        for name, url in where.items():
            print(
                f"      {name}: {', '.join(f'{r:,.0f}' for r in found[name])} events/s; {durable(url)}"
            )
    lite = median(found["SQLite"])
    bars.add(
        "cloud: events/s into SQLite, batches of 200", f"≥ {GOAL:,}", f"{lite:,.0f}", lite >= GOAL
    )
    if POSTGRES:
        share = median(found["PostgreSQL"]) / lite
        shown = f"{share:.2f} ({median(found['PostgreSQL']):,.0f} events/s)"
        bars.add("cloud: PostgreSQL as a share of SQLite", f"≥ {SHARE}", shown, share >= SHARE)
    else:
        bars.add("cloud: PostgreSQL as a share of SQLite", f"≥ {SHARE}", "not installed", False)
    bars.add("cloud: each event once, every tenth batch sent twice", "all", str(stored), stored)
    dashboard(bars, FLEET)


def ingest(url: str, folder: Path, batches: int, turn: int) -> tuple[float, bool]:
    """Acknowledged new events a second of CLIENTS connections, and whether the table has each once."""
    engine = open_database(url)
    with engine.connect() as connection:
        before = count(connection)
    with service(url, folder / "objects") as running:
        token = running.token(f"bench-{turn}")
        bodies = [list(_bodies(client, turn, batches)) for client in range(CLIENTS)]
        send(running, token, [[_body("warm", turn, 0)]])
        began = time.perf_counter()
        stored = send(running, token, bodies)
        seconds = time.perf_counter() - began
    wanted = CLIENTS * batches * BATCH
    with engine.connect() as connection:
        there = count(connection) - before - BATCH
    engine.dispose()
    return stored / seconds, stored == there == wanted


def send(running: Service, token: str, bodies: list[list[bytes]]) -> int:
    """Each client's bodies over one connection of its own, all at once; events that were new."""
    stored = [0] * len(bodies)
    where = urlsplit(running.url)

    def client(n: int) -> None:
        connection = http.client.HTTPConnection(where.hostname or "", where.port, timeout=60)
        head = {"Authorization": f"Bearer {token}", "Content-Type": "application/cbor"}
        for i, body in enumerate(bodies[n]):
            for _ in range(2 if i % 10 == 9 else 1):  # a repeat must store nothing
                connection.request("POST", "/v1/events", body, head)
                answer = connection.getresponse()
                said = json.loads(answer.read())
                assert answer.status == 200, said
                stored[n] += said["stored"]
        connection.close()

    threads = [threading.Thread(target=client, args=(n,)) for n in range(len(bodies))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return sum(stored)


def _bodies(client: int, turn: int, batches: int) -> Iterator[bytes]:
    for batch in range(batches):
        yield _body(f"c{client}", turn, batch)


def _body(client: str, turn: int, batch: int) -> bytes:
    """A gateway's batch: reports of DEVICES_A_BATCH devices."""
    chance = random.Random(f"{client} {turn} {batch}")
    each = BATCH // DEVICES_A_BATCH
    return pack(
        [
            Event(
                f"{client}-{i % DEVICES_A_BATCH:02}", turn, batch * each + i // DEVICES_A_BATCH,
                Kind.REPORT, 7, 1_790_000_000 + i, chance.randbytes(24),
            )
            for i in range(BATCH)
        ]
    )  # fmt: skip


def durable(url: str) -> str:
    """What the database says of what it does at a commit."""
    engine = open_database(url)
    words = ("PRAGMA journal_mode", "PRAGMA synchronous")
    if engine.dialect.name != "sqlite":
        words = ("SHOW fsync", "SHOW synchronous_commit")
    with engine.connect() as connection:
        said = [f"{w.split()[1]} {connection.exec_driver_sql(w).scalar()}" for w in words]
    engine.dispose()
    return ", ".join(said)


def dashboard(bars: Bars, devices: int) -> None:
    """The page of a fleet in Chromium, from the address to the load event: the slowest of six openings, the
    first of a service that has just started among them."""
    what, goal = f"cloud: dashboard of {devices:,} devices opens, slowest of 6", f"≤ {OPEN_S:g} s"
    if not CHROMIUM:
        bars.add(what, goal, "no Chromium", False)
        return
    with tempfile.TemporaryDirectory() as folder:
        url = f"{folder}/cloud.db"
        fill(url, devices, WEEKS)
        with service(url, f"{folder}/objects") as running, chromium() as browser:
            token = running.token("bench", "--operator")
            page = browser.new_page(viewport={"width": 1280, "height": 900})
            page.goto(f"{running.url}/login")
            page.fill("#token", token)
            seconds = [_timed(lambda: page.click("main button"), page)]
            for address in ("/", "/", "/?q=9", "/?page=150", "/?release=2"):
                seconds.append(_timed(lambda to=address: page.goto(running.url + to), page))
    shown = f"{max(seconds):.2f} s (median {median(seconds):.2f})"
    bars.add(what, goal, shown, max(seconds) <= OPEN_S)


def _timed(act, page) -> float:
    began = time.perf_counter()
    act()
    page.wait_for_selector("#devices tbody tr")
    page.wait_for_load_state("load")
    return time.perf_counter() - began


def fill(url: str, devices: int, weeks: int, seed: int = 1) -> None:
    """A made-up fleet: four cohorts, one of which drifts from week 8 on; a rollout on its way."""
    engine, chance = open_database(url), random.Random(seed)
    cohorts, names = ("press", "pump", "fan", "mill"), [f"dev-{i:05}" for i in range(devices)]
    with engine.begin() as c:
        note(c, use_case="bearing", data="simulated")
        c.execute(insert(tables.devices), [
            {"name": name, "cohort": cohorts[i % 4], "release": 1 + (i % 7 == 0), "events": i % 997,
             "last_seen": time.time() - 1e6 * chance.random()} for i, name in enumerate(names)
        ])  # fmt: skip
        for week in range(weeks):
            c.execute(insert(tables.device_weeks), [
                {"device": name, "week": week, "release": 1 + (week > 20 and i % 7 == 0),
                 "cohort": cohorts[i % 4], "windows": 1000, "judged": 1000, "distance": chance.random(),
                 "right": int(950 - 10 * (i % 4 == 1) * max(0, week - 8) + 20 * chance.random()),
                 "drifted": chance.random() < 0.02, "alarm_rate": 0.01, "agreement": 0.97,
                 "bytes_up": chance.randrange(2000, 4000), "bytes_down": 900 * (week > 20 and i % 7 == 0),
                 "energy_mj": 900 + 200 * chance.random(), "emulated": 20, "boots": 1}
                for i, name in enumerate(names)
            ])  # fmt: skip
        c.execute(insert(tables.releases), [
            {"number": n, "sha256": "0" * 64, "object": f"models/{n}", "base": n - 1, "state": state,
             "week": 20 * (n - 1), "package_bytes": 900, "report": {}}
            for n, state in ((1, "released"), (2, "rolling"))
        ])  # fmt: skip
        rollout = {
            "id": 1,
            "release": 2,
            "state": "running",
            "wave": 1,
            "wave_since": 22,
            "reason": "",
        }
        c.execute(insert(tables.rollouts), [rollout])
        c.execute(insert(tables.rollout_devices), [
            {"rollout": 1, "device": name, "wave": i % 3, "tries": 1, "since": 21,
             "state": "confirmed" if i % 7 == 0 else "failed" if i % 1000 == 1 else "waiting",
             "reason": "self-test failed" if i % 1000 == 1 else ""} for i, name in enumerate(names)
        ])  # fmt: skip
        c.execute(insert(tables.samples), [
            {"device": name, "week": week, "reason": ("uncertain", "novel", "random")[i % 3],
             "predicted": 0, "confidence": 0.5, "distance": 0.1, "object": f"samples/{i}", "bytes": 100,
             "created": 0.0} for i, name in enumerate(names[::50]) for week in range(5)
        ])  # fmt: skip
    engine.dispose()
