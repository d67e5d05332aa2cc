"""The dashboard as an operator meets it: the service's own process, in the system's Chromium."""

import re
import subprocess
import sys
import time
from urllib.parse import urlsplit

import pytest
from sqlalchemy import insert, select, update

from edgekit.cloud.database import open_database, writing
from edgekit.cloud.sessions import COOKIE
from edgekit.cloud.tables import (
    commands,
    device_weeks,
    devices,
    releases,
    rollout_devices,
    rollouts,
    samples,
)
from edgekit.cloud.tokens import make_token
from tests.browser import chromium, needs_chromium

pytest.importorskip("playwright.sync_api", reason="the dev extra is not installed")
pytestmark = needs_chromium
HOSTILE = "<img src=x onerror=\"document.title='taken'\">"
FIGURES = "accuracy", "release", "bytes", "inferences", "drift"  # each a chart with its numbers


def fill(connection):
    """Three weeks of four devices in two cohorts, one with a hostile name, and a rollout that runs."""
    names = {"m-1": "north", "m-2": "north", "m-3": "<b>south</b>", HOSTILE: "<b>south</b>"}
    for number, state in ((1, "released"), (2, "rolling")):
        row = {"number": number, "sha256": f"{number:064x}", "object": f"models/{number}"}
        connection.execute(insert(releases).values(state=state, week=number, **row))
    connection.execute(insert(rollouts).values(id=1, release=2, state="running", wave_since=2))
    for name, cohort in names.items():
        connection.execute(
            insert(devices).values(name=name, cohort=cohort, release=1, last_seen=time.time())
        )
        connection.execute(
            insert(rollout_devices).values(
                rollout=1,
                device=name,
                cohort=cohort,
                wave=0,
                state="failed",
                since=2,
                reason=HOSTILE,
            )
        )
        for week in range(3):
            connection.execute(
                insert(device_weeks).values(
                    device=name, week=week, release=1, cohort=cohort, windows=50, judged=40, right=30,
                    distance=0.2, drifted=False, alarm_rate=0.1, bytes_up=900, bytes_down=100,
                    energy_mj=1200.0,
                )
            )  # fmt: skip
    connection.execute(
        insert(samples).values(
            device=HOSTILE, week=2, reason="random", predicted=0, object="samples/a/b", bytes=64,
            created=time.time(),
        )
    )  # fmt: skip


def asked_of(engine):
    c = commands.c
    with engine.connect() as connection:
        return connection.execute(select(c.rollout, c.what, c.obeyed).order_by(c.id)).all()


@pytest.fixture(scope="module", params=["a fleet", "no data"])
def served(request, tmp_path_factory):
    """Address, token, engine, and whether there is a fleet in it."""
    folder = tmp_path_factory.mktemp("cloud")
    engine = open_database(folder / "cloud.db")
    with writing(engine) as connection:
        token = make_token(connection, "ann", "operator")
        if request.param == "a fleet":
            fill(connection)
    command = [sys.executable, "-m", "edgekit", "cloud", "serve", "--port", "0", "--database"]
    where = [str(folder / "cloud.db"), "--objects", str(folder / "objects")]
    process = subprocess.Popen([*command, *where], stdout=subprocess.PIPE, text=True)
    try:
        yield process.stdout.readline().split()[-1], token, engine, request.param == "a fleet"
    finally:
        process.terminate()
        process.communicate(timeout=20)
        engine.dispose()


@pytest.fixture
def page():
    """A tab; at its end nothing may stand in its console, and no other host was asked for anything."""
    said, asked = [], set()
    with chromium() as browser:
        tab = browser.new_page(viewport={"width": 1280, "height": 900})
        tab.set_default_timeout(8000)
        tab.on("console", lambda message: said.append(message.text))
        tab.on("pageerror", lambda error: said.append(str(error)))
        tab.on("request", lambda request: asked.add(urlsplit(request.url).hostname))
        tab.on("requestfailed", lambda request: said.append(f"failed: {request.url}"))
        yield tab
    assert said == []
    assert asked == {"127.0.0.1"}


def test_an_operator_logs_in_sees_the_fleet_and_aborts_what_goes_wrong(served, page):
    address, token, engine, fleet = served
    page.goto(address)
    assert page.url.endswith("/login")  # nobody sees a figure without a token
    page.fill("#token", token)
    page.click("button")
    page.wait_for_url(f"{address}/")
    titles = [t.lower() for t in page.locator(".card h2").all_inner_texts()]
    for figure in FIGURES:
        assert any(figure in title for title in titles), (figure, titles)
    assert all(page.locator(".card .origin").nth(i).inner_text() for i in range(len(FIGURES)))
    for width in (1280, 390):  # nothing but tables is wider than a telephone
        page.set_viewport_size({"width": width, "height": 844})
        assert page.evaluate("document.documentElement.scrollWidth") <= width
    if not fleet:
        assert "No release has been rolled out yet" in page.inner_text("#rollouts")
        return

    for i, unit in enumerate(("%", "devices", "B", "mJ", "%")):
        assert unit in page.locator(".card > svg").nth(i).locator("text").all_text_contents()
    tiles = page.inner_text(".tiles").replace("\n", " ")
    assert re.search(r"open labels 1 windows", tiles)
    assert re.search(r"energy 1,200 mJ per device", tiles)
    accuracy, versions = (page.locator(".card table").nth(i).text_content() for i in (0, 1))
    assert re.search(r"2fleet\S*", accuracy)
    assert all(name in accuracy for name in ("north", "<b>south</b>"))
    assert "214" in versions  # week 2, release 1, four devices
    rollout = page.inner_text("#rollouts")
    assert "Release 2 running" in rollout
    assert "wave 1 since week 2" in rollout
    assert re.search(r"4 failed", rollout)
    assert "worst of" not in page.inner_text(".cards")  # two cohorts are shown whole
    assert page.title() != "taken"
    assert page.locator("img, td b").count() == 0
    assert HOSTILE in page.inner_text("#devices")
    assert re.search(r"\b4 devices", page.inner_text("nav.pages"))

    page.click("details.sure summary")
    page.click("button.bad")
    page.wait_for_url(re.compile("/(#rollouts)?$"))
    assert asked_of(engine) == [(1, "abort", False)]
    assert "abort was asked for" in page.inner_text("#rollouts")

    assert "Retry all that failed" in page.inner_text("#rollouts")
    with writing(engine) as connection:  # the loop obeyed: all of them have the old release again
        connection.execute(update(rollouts).values(state="aborted"))
        connection.execute(update(rollout_devices).values(state="reverted"))
    page.reload()
    assert "aborted" in page.inner_text("#rollouts")
    assert page.locator("#rollouts button").count() == 0  # there is nothing left to ask for


@pytest.mark.parametrize("served", ["a fleet"], indirect=True, scope="module")
def test_another_site_or_a_made_up_cookie_aborts_nothing(served, page):
    address, token, engine, _ = served
    before = asked_of(engine)
    page.goto(f"{address}/login")
    page.context.add_cookies([{"name": COOKIE, "value": "fixed", "url": address}])
    page.fill("#token", token)
    page.click("button")
    page.wait_for_url(f"{address}/")
    assert "fixed" not in [c["value"] for c in page.context.cookies()]
    post = page.context.request.post
    target, form = f"{address}/rollouts/1/commands", {"what": "abort"}
    assert post(target, form=form).status == 403  # our cookie, without the form's word
    assert post(target, form=form | {"csrf": "guess"}).status == 403
    word = page.locator("input[name=csrf]").first.get_attribute("value")
    evil = {"Origin": "https://evil.example", "Sec-Fetch-Site": "cross-site"}
    assert post(target, form=form | {"csrf": word}, headers=evil).status == 403
    assert asked_of(engine) == before
