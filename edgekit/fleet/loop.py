"""The weekly loop's means: where it lives, what it was told, and who does the work."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass, fields
from functools import cached_property
from typing import Any

from sqlalchemy import Connection, Engine, func, insert, select, update

from edgekit.cloud.ingest import forgotten_of
from edgekit.cloud.tables import device_states, releases, rollouts
from edgekit.core.errors import EdgekitError
from edgekit.data import Windows
from edgekit.fleet import POLICIES
from edgekit.fleet.device_tier import DeviceState, Site
from edgekit.fleet.objects import Objects
from edgekit.fleet.retrain import RECIPES, Recipe
from edgekit.fleet.world import FleetDevice, World
from edgekit.labels.queue import Queue
from edgekit.rollout import POLICY, Policy

LABELLERS_MOST = 100  # of a window


@dataclass(frozen=True)
class Plan:
    """What a fleet's owner decides. policy: "loop"; "frozen", nothing is ever done; "full": every week
    everything is retrained, and goes to all devices, whole and unjudged. labels: share of the windows that
    are labelled, of which half are random; label_error: share of labels that are wrong; labellers: people who
    label each window, which counts where more than half of them agree.
    """

    policy: str = "loop"
    labels: float = 0.02
    label_error: float = 0.0
    labellers: int = 1
    recipe: Recipe | None = None
    rollout: Policy = POLICY

    def __post_init__(self):
        if self.policy not in POLICIES:
            raise EdgekitError(f"no policy {self.policy!r}; there are {', '.join(POLICIES)}")
        if not (0 <= self.labels <= 1 and 0 <= self.label_error <= 1):
            raise EdgekitError("labels and label_error are shares, 0 to 1")
        if not 1 <= self.labellers <= LABELLERS_MOST:
            raise EdgekitError(f"1 to {LABELLERS_MOST} people label a window, not {self.labellers}")


@dataclass
class Loop:
    """A fleet under way. `executor` does what concerns devices (`search.executor.Executor`), `train` is
    called as train(function, *arguments) and does it in another process."""

    site: Site
    plan: Plan
    engine: Engine
    executor: Any
    train: Callable
    say: Callable[[str], None] = print

    @cached_property
    def objects(self) -> Objects:
        return Objects(self.site.objects)

    @cached_property
    def world(self) -> World:
        return self.site.load()

    @cached_property
    def old(self) -> Windows:
        """What the first release was made of."""
        return Windows.load(self.site.world / "train.npz")

    def queue(self, connection: Connection) -> Queue:
        """Of windows to be labelled, as a person sees it, too."""
        return Queue(connection, self.old.classes, self.plan.labellers)

    @property
    def recipe(self) -> Recipe:
        """How a candidate is trained."""
        return self.plan.recipe or RECIPES[self.site.spec.profile]

    def seed(self, week: int, step: int) -> int:
        """Of one step of one week."""
        return (self.site.spec.seed * 1_000_003 + week * 101 + step) % 2**31

    def everywhere(self, do: Callable, tasks: dict[str, tuple]) -> dict[str, Any]:
        """`do(site, *arguments)` for each device, by the executor; raises what one of them raised."""
        found: dict[str, Any] = {}
        names = sorted(tasks)
        size = max(1, -(-len(names) // (4 * self.executor.slots)))
        parts = [names[i : i + size] for i in range(0, len(names), size)]
        jobs = {i: (do, self.site, {n: tasks[n] for n in part}) for i, part in enumerate(parts)}
        for _, result in self.executor.map(_several, jobs):
            if isinstance(result, Exception):
                self.executor.stop()
                raise result
            found |= result
        return found


def _several(do: Callable, site: Site, tasks: dict[str, tuple]) -> dict[str, Any]:
    return {name: do(site, *arguments) for name, arguments in tasks.items()}


def fleet(connection: Connection, loop: Loop) -> list[FleetDevice]:
    """Its devices, but those that were forgotten (`edgekit cloud forget`): the loop goes on without them."""
    gone = forgotten_of(connection, {d.name for d in loop.world.devices})
    return [d for d in loop.world.devices if d.name not in gone]


def states(connection: Connection) -> dict[str, DeviceState]:
    """By device."""
    t = device_states
    columns = [t.c[f.name] for f in fields(DeviceState)]
    return {
        r.device: DeviceState(*r) for r in connection.execute(select(*columns).order_by(t.c.device))
    }


def keep(connection: Connection, new: DeviceState) -> None:
    """What a device is now."""
    t = device_states
    connection.execute(update(t).where(t.c.device == new.device).values(**asdict(new)))


def release_row(connection: Connection, number: int) -> dict:
    """Raises EdgekitError where there is none."""
    row = connection.execute(select(releases).where(releases.c.number == number)).mappings().first()
    if row is None:
        raise EdgekitError(f"there is no release {number}")
    return dict(row)


def released(connection: Connection) -> dict:
    """The newest release that went well: what a candidate must beat."""
    r = releases.c
    found = select(releases).where(r.state == "released").order_by(r.number.desc()).limit(1)
    return dict(connection.execute(found).mappings().one())


def next_number(connection: Connection) -> int:
    """Above all that was ever used: a device never gets a lower one."""
    used = connection.scalar(select(func.max(releases.c.number))) or 0
    return max(used, connection.scalar(select(func.max(rollouts.c.back))) or 0) + 1


def add_release(connection: Connection, number: int, model: str, **values: Any) -> None:
    """`model`: the object's key, which is the file's SHA-256."""
    row = {"number": number, "sha256": model, "object": model, **values}
    connection.execute(insert(releases).values(**row))
