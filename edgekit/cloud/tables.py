"""The tables of the service's database, SQLite or PostgreSQL: what devices said, and the fleet's state.

Times are POSIX seconds. Outside text (names, labels, reasons) is data here and markup nowhere.
"""

from __future__ import annotations

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    Float,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    PrimaryKeyConstraint,
    String,
    Table,
)

SCHEMA_VERSION = 1
metadata = MetaData()

schema = Table("schema", metadata, Column("version", Integer, primary_key=True))

# What the numbers of this database rest on: `provenance.note` writes, `figures` shows.
about = Table(
    "about",
    metadata,
    Column("name", String(32), primary_key=True),
    Column("value", JSON, nullable=False),
)


def _holders(name: str) -> Table:
    """Who has a token, which is kept as its SHA-256 only."""
    return Table(
        name,
        metadata,
        Column("name", String(64), primary_key=True),
        Column("token_sha256", String(64), nullable=False, unique=True),
        Column("created", Float, nullable=False),
        Column("revoked", Float),
    )


gateways = _holders("gateways")  # may send events
operators = _holders("operators")  # may read, and command rollouts

# What devices said, each event once.
events = Table(
    "events",
    metadata,
    Column("device", String(64), primary_key=True),
    Column("epoch", BigInteger, primary_key=True, autoincrement=False),
    Column("sequence", BigInteger, primary_key=True, autoincrement=False),
    Column("kind", Integer, nullable=False),
    Column("release", BigInteger, nullable=False),
    Column("time", Float, nullable=False),
    Column("received", Float, nullable=False),
    Column("gateway", String(64), nullable=False),
    Column("body", LargeBinary, nullable=False),
    Column(
        "object", String(200), nullable=False, default=""
    ),  # where a segment's body lies instead
    sqlite_with_rowid=False,  # one tree instead of two: bodies that stay here are small
)
Index("events_by_time", events.c.kind, events.c.received)

devices = Table(
    "devices",
    metadata,
    Column("name", String(64), primary_key=True),
    Column("cohort", String(64), nullable=False, default=""),
    Column("release", BigInteger, nullable=False, default=0),
    Column("last_seen", Float, nullable=False, default=0.0),
    Column("events", Integer, nullable=False, default=0),
    # of its newest event, whose release it is: a late repeat does not turn that back
    Column("epoch", BigInteger, nullable=False, default=0),
    Column("sequence", BigInteger, nullable=False, default=-1),
)
Index("devices_by_release", devices.c.release)

# Devices whose data were deleted: by the hash of their name, so that late repeats do not bring them back.
forgotten = Table(
    "forgotten",
    metadata,
    Column("device_sha256", String(64), primary_key=True),
    Column("time", Float, nullable=False),
    Column("receipt", JSON, nullable=False),  # what was removed: numbers only
)

# Windows that came up for a label; the window itself lies in the object store under `object`.
samples = Table(
    "samples",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("device", String(64), nullable=False, index=True),
    Column("week", Integer, nullable=False),
    Column("reason", String(16), nullable=False),  # uncertain, novel, random
    Column("predicted", Integer, nullable=False),
    Column("confidence", Float),
    Column("distance", Float),
    Column("object", String(200), nullable=False),
    Column("bytes", Integer, nullable=False),
    Column("created", Float, nullable=False),
    Column("weight", Float, nullable=False, default=1.0),  # windows that a random one stands for
)

labels = Table(
    "labels",
    metadata,
    Column("sample", Integer, ForeignKey("samples.id", ondelete="CASCADE"), primary_key=True),
    Column("annotator", String(64), primary_key=True),
    Column("label", String(64), nullable=False),
    Column("time", Float, nullable=False),
)

releases = Table(
    "releases",
    metadata,
    Column("number", BigInteger, primary_key=True, autoincrement=False),
    Column("sha256", String(64), nullable=False),
    Column("object", String(200), nullable=False),  # the .tflite
    Column("base", BigInteger, nullable=False, default=0),
    Column("state", String(16), nullable=False),  # candidate, refused, rolling, released, withdrawn
    Column("week", Integer, nullable=False),
    Column("package_bytes", Integer, nullable=False, default=0),
    Column("report", JSON, nullable=False, default=dict),  # what the gate found, cohort by cohort
)

rollouts = Table(
    "rollouts",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("release", BigInteger, ForeignKey("releases.number"), nullable=False),
    Column("state", String(16), nullable=False),  # running, paused, done, aborted
    Column("wave", Integer, nullable=False, default=0),
    Column("wave_since", Integer, nullable=False),  # week in which the wave began
    Column("reason", String(400), nullable=False, default=""),
    Column("policy", JSON, nullable=False, default=dict),
    Column("stepped", Integer, nullable=False, default=-1),  # the last week that was decided
    Column(
        "back", BigInteger, nullable=False, default=0
    ),  # number under which the old model returns
)

rollout_devices = Table(
    "rollout_devices",
    metadata,
    Column("rollout", Integer, ForeignKey("rollouts.id"), primary_key=True),
    Column("device", String(64), primary_key=True),
    Column("cohort", String(64), nullable=False, default=""),
    Column("wave", Integer, nullable=False),
    # waiting, trial, confirmed, reverted, failed, skipped: the diagram is in docs/rollout.md
    Column("state", String(16), nullable=False),
    Column("tries", Integer, nullable=False, default=0),
    Column("since", Integer, nullable=False),
    Column("reason", String(400), nullable=False, default=""),
    Column("next_week", Integer, nullable=False, default=0),  # not before it is it offered again
    Column("missed", Integer, nullable=False, default=0),  # weeks in a row that it was not reached
    Column(
        "incidents", Integer, nullable=False, default=0
    ),  # times that it gave the release up itself
    Column("healthy", Boolean, nullable=False, default=False),  # judged so; it may not know yet
    Column(
        "told", String(16), nullable=False, default=""
    ),  # the order of week `stepped`, until reported
)

# What a person asked for, on the dashboard or the command line; the loop obeys at its next step.
commands = Table(
    "commands",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("rollout", Integer, ForeignKey("rollouts.id"), nullable=False),
    Column("what", String(16), nullable=False),  # pause, resume, abort, retry
    Column("device", String(64), nullable=False, default=""),
    Column("time", Float, nullable=False),
    Column("obeyed", Boolean, nullable=False, default=False),
    Column("result", String(400), nullable=False, default=""),
)

# Where the weekly loop stands: one row a finished step, so that a killed loop repeats only the open one.
steps = Table(
    "steps",
    metadata,
    Column("week", Integer, primary_key=True, autoincrement=False),
    Column("name", String(32), primary_key=True),
    Column("finished", Float, nullable=False),
    Column("seconds", Float, nullable=False),
    Column("result", JSON, nullable=False, default=dict),
)

device_weeks = Table(
    "device_weeks",
    metadata,
    Column("device", String(64)),
    Column("week", Integer),
    Column("release", BigInteger, nullable=False),
    Column("cohort", String(64), nullable=False, default=""),
    Column("windows", Integer, nullable=False),
    # of a simulation, which knows: windows that nothing is trained on, and how many of them were right;
    # what a fleet knows are labels
    Column("judged", Integer, nullable=False, default=0),
    Column("right", Integer, nullable=False, default=0),
    Column("distance", Float, nullable=False),  # of the drift sketch, 0 to 1
    Column("drifted", Boolean, nullable=False),
    Column("alarm_rate", Float, nullable=False),
    Column("agreement", Float),  # with the gateway's model
    Column("bytes_up", Integer, nullable=False),
    Column("bytes_down", Integer, nullable=False),
    Column(
        "energy_mj", Float, nullable=False
    ),  # of its inferences; 0: nobody knows the board's power
    Column("emulated", Integer, nullable=False, default=0),  # windows that ran on the core, too
    Column("boots", Integer, nullable=False, default=1),
    PrimaryKeyConstraint(
        "week", "device"
    ),  # in this order a week lies together: it is added up at once
    sqlite_with_rowid=False,
)

# Devices of a simulated fleet, as they are between two weeks; models and flashes are objects.
device_states = Table(
    "device_states",
    metadata,
    Column("device", String(64), primary_key=True),
    Column("release", BigInteger, nullable=False),
    Column("model", String(64), nullable=False),
    Column("flash", String(200), nullable=False),
    Column("sketch", LargeBinary, nullable=False),
    Column(
        "before", BigInteger, nullable=False, default=0
    ),  # the release that it had, and its model
    Column("model_before", String(64), nullable=False, default=""),
)
Index("device_weeks_by_device", device_weeks.c.device, device_weeks.c.week)
