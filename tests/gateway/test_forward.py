"""From the gateway to the cloud: whatever the cloud answers, nothing is lost, and nothing blocks the rest."""

import json
import threading

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edgekit.cli.commands import main
from edgekit.core.errors import EdgekitError
from edgekit.gateway.forward import Forwarder, Unreachable, read_token
from edgekit.gateway.metrics import Metrics
from edgekit.telemetry import Event, Kind, Outbox, unpack

for needed in ("fastapi", "sqlalchemy", "fsspec", "prometheus_client"):
    pytest.importorskip(needed)

from edgekit.cloud.database import open_database  # noqa: E402
from edgekit.cloud.events_api import StoredAnswer  # noqa: E402
from edgekit.cloud.ingest import store  # noqa: E402
from edgekit.cloud.objects import Objects  # noqa: E402

TOKEN = "a-token-of-tests"


class Cloud:
    """Answers posts in this process. `refuses`: sequences that it calls wrong; `status`: all that it says."""

    def __init__(self, refuses=(), status=200):
        self.refuses, self.status, self.has, self.posts = set(refuses), status, {}, 0
        self.says = None

    def post(self, url, body, headers):
        self.posts += 1
        assert headers["Authorization"].startswith("Bearer ")
        if isinstance(self.status, Exception):
            raise self.status
        if self.status != 200:
            return self.status, b"<b>no</b>\n"
        events = unpack(body)
        if self.refuses & {e.sequence for e in events}:
            return 422, b"a wrong event"
        new = [e for e in events if e.key not in self.has]
        self.has |= {e.key: e for e in new}
        counts = {"stored": len(new), "seen": len(events) - len(new)}
        return 200, json.dumps(counts).encode() if self.says is None else self.says


@pytest.fixture
def token(tmp_path):
    file = tmp_path / "token"
    file.write_text(TOKEN + "\n")
    return file


def forwarder(cloud, token, n=0, **how):
    box = Outbox()
    box.put(*(Event("pump", 1, i, Kind.REPORT) for i in range(n)))
    metrics = Metrics(box)
    return Forwarder("https://cloud", token, box, metrics, post=cloud.post, **how), box


def settle(out, tries=40):
    """Step until nothing happens any more."""
    for _ in range(tries):
        try:
            if not out.step() and not out.suspects:
                return
        except Unreachable:
            pass


class OwnCloud(Cloud):
    """Answers what the kit's cloud service does, which stores what it is sent."""

    def __init__(self, engine, objects):
        super().__init__()
        self.engine, self.objects = engine, objects

    def post(self, url, body, headers):
        self.posts += 1
        done = store(self.engine, self.objects, "hall", unpack(body), 1.0)
        return 200, StoredAnswer(stored=done.stored, seen=done.seen).model_dump_json().encode()


def test_the_kits_own_cloud_is_sent_each_batch_once(token, tmp_path):
    cloud = OwnCloud(open_database("sqlite://"), Objects(tmp_path / "objects"))
    for times in (1, 2):  # new events, then their repeats
        out, box = forwarder(cloud, token, 3)
        assert (out.step(), len(box), cloud.posts) == (3, 0, times)
    cloud.engine.dispose()


def test_what_the_cloud_prints_is_a_gateways_token_file(tmp_path, capsys):
    assert main(["cloud", "token", "hall-3", "--database", str(tmp_path / "cloud.db")]) == 0
    (tmp_path / "hall-3.token").write_text(said := capsys.readouterr().out)
    assert read_token(tmp_path / "hall-3.token") == said.strip()


def test_events_leave_in_batches_when_the_cloud_has_them(token):
    cloud = Cloud()
    out, box = forwarder(cloud, token, 450)
    assert [out.step() for _ in range(4)] == [200, 200, 50, 0]
    assert (len(box), len(cloud.has)) == (0, 450)


@pytest.mark.parametrize(
    "status",
    [401, 403, 404, 429, 500, 503, 302, 204, 400, 413, 422, httpx.ReadTimeout("late"),
     httpx.ConnectError("refused"), ConnectionResetError("cut"), httpx.RemoteProtocolError("cut")],
)  # fmt: skip
def test_whatever_goes_wrong_keeps_everything(token, status):
    cloud = Cloud(status=status)
    out, box = forwarder(cloud, token, 30)
    for _ in range(20):
        with pytest.raises(Unreachable) as why:
            out.step()
        assert "\n" not in str(why.value)
    assert (len(box), box.aside_count) == (30, 0)
    cloud.status = 200
    settle(out)
    assert (len(box), len(cloud.has), box.aside_count) == (0, 30, 0)


@pytest.mark.parametrize("says", [b"", b"{}", b"[]", b'{"stored": 1, "seen": 1}', b'{"stored": "3"}',
                                  b'{"stored": true, "seen": 2}', b'{"stored": -1, "seen": 4}'])  # fmt: skip
def test_an_answer_that_does_not_account_for_the_batch_is_none(token, says):
    cloud = Cloud()
    cloud.says = says
    out, box = forwarder(cloud, token, 3)
    with pytest.raises(Unreachable):
        out.step()
    assert len(box) == 3


@settings(max_examples=20)
@given(st.sets(st.integers(0, 299), max_size=60), st.integers(1, 64))
def test_poison_is_set_aside_and_nothing_else(tmp_path_factory, refuses, batch):
    token = tmp_path_factory.mktemp("t") / "token"
    token.write_text(TOKEN)
    cloud = Cloud(refuses)
    out, box = forwarder(cloud, token, 300, batch=batch)
    settle(out, 400)
    box.put(Event("pump", 1, 300, Kind.REPORT))  # shows that the cloud is well, if poison came last
    settle(out, 100)
    assert {e.sequence for e, _ in box.aside()} == refuses
    assert {e.sequence for e in cloud.has.values()} == set(range(301)) - refuses
    assert (len(box), box.aside_count) == (0, len(refuses))


def test_a_poison_event_alone_waits_until_the_cloud_has_taken_another(token):
    cloud = Cloud(refuses=[0])
    out, box = forwarder(cloud, token, 1)
    for _ in range(5):
        try:
            out.step()
        except Unreachable:
            continue
    assert (len(box), box.aside_count) == (1, 0)
    box.put(Event("pump", 1, 1, Kind.REPORT))
    settle(out)
    assert (len(box), box.aside_count, len(cloud.has)) == (0, 1, 1)


def test_a_new_token_is_taken_without_a_restart(token):
    cloud = Cloud()
    out, box = forwarder(cloud, token, 3)
    good, post = "another-token", cloud.post
    out._post = lambda u, b, h: post(u, b, h) if h["Authorization"].endswith(good) else (401, b"")
    with pytest.raises(Unreachable, match="401"):
        out.step()
    token.write_text(good)
    assert out.step() == 3
    assert len(box) == 0


def test_the_same_trouble_is_said_once(token, caplog):
    out, _ = forwarder(Cloud(status=503), token, 3)
    stop = threading.Event()
    thread = threading.Thread(target=out.run, args=(stop,))
    thread.start()
    stop.wait(1.6)
    stop.set()
    thread.join()
    assert [r.getMessage().count("503") for r in caplog.records] == [1]


@pytest.mark.parametrize(
    "url",
    ["cloud", "ftp://cloud", "https://", "https://u:p@cloud", "http://[::1", "https://cloud?x=1",
     "https://cloud:99999", "http://cloud.example"],
)  # fmt: skip
def test_an_address_that_would_not_do_is_said(token, url):
    box = Outbox()
    with pytest.raises(EdgekitError):
        Forwarder(url, token, box, Metrics(box))


def test_a_token_that_is_none_is_said(tmp_path):
    for text in ("", "short", "two words of it", "long" * 200, "tab\tin it", "umläut-token"):
        file = tmp_path / "t"
        file.write_text(text)
        with pytest.raises(EdgekitError):
            read_token(file)
    with pytest.raises(EdgekitError, match="No such file"):
        read_token(tmp_path / "none")
