"""A chapter as a reader meets it: in JupyterLab, in a browser, run from top to bottom, its slider moved by keyboard,
saved and opened again."""

import json
import shutil
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import pytest

from edgekit.core.ports import free_port

playwright = pytest.importorskip("playwright.sync_api", reason="the dev extra is not installed")
CHROMIUM = next(
    filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), ""
)
pytestmark = pytest.mark.skipif(
    not CHROMIUM, reason="there is no Chromium (apt-get install chromium)"
)
CHAPTER = Path(__file__).resolve().parents[2] / "notebooks" / "00_design.ipynb"
IDLE = """() => {
  const shown = window.jupyterapp && jupyterapp.shell.currentWidget;
  const kernel = shown && shown.sessionContext && shown.sessionContext.session && shown.sessionContext.session.kernel;
  return !!kernel && kernel.status === 'idle';
}"""
OUTPUTS = """() => jupyterapp.shell.currentWidget.context.model.toJSON().cells
  .flatMap(c => (c.outputs || []).map(o => o.output_type))"""
EXECUTED = """() => jupyterapp.shell.currentWidget.context.model.toJSON().cells
  .filter(c => c.cell_type === 'code' && c.execution_count === null).length"""


@pytest.fixture
def lab(tmp_path, monkeypatch):
    """A server over a copy of the chapter; its address."""
    place, port = tmp_path / "work", free_port()
    place.mkdir()
    shutil.copy(CHAPTER, place)
    monkeypatch.setenv("EDGEKIT_RUNS", str(tmp_path / "runs"))
    words = [
        *(
            "--no-browser",
            "--allow-root",
            "--ip=127.0.0.1",
            f"--port={port}",
            "--expose-app-in-browser",
        ),
        *("--IdentityProvider.token=", "--ServerApp.password=", f"--notebook-dir={place}"),
    ]
    log = (tmp_path / "lab.log").open("w")
    server = subprocess.Popen([sys.executable, "-m", "jupyterlab", *words], stdout=log, stderr=log)
    address, until = f"http://127.0.0.1:{port}", time.monotonic() + 60
    while time.monotonic() < until:
        try:
            urllib.request.urlopen(f"{address}/api/status", timeout=5).close()
            break
        except OSError:
            time.sleep(0.3)
    yield address, place
    server.terminate()
    server.wait(20)
    log.close()


def test_a_chapter_runs_in_the_browser_and_comes_back_whole(lab):
    address, place = lab
    errors = []
    with playwright.sync_playwright() as p:
        how = {"executable_path": CHROMIUM, "args": ["--no-sandbox", "--disable-dev-shm-usage"]}
        browser = p.chromium.launch(**how)
        page = browser.new_page(viewport={"width": 1280, "height": 900})
        page.on("console", lambda m: errors.append(m.text) if m.type == "error" else None)
        page.on("pageerror", lambda e: errors.append(str(e)))
        page.set_default_timeout(120_000)
        page.goto(f"{address}/doc/tree/{CHAPTER.name}?reset", wait_until="domcontentloaded")
        page.wait_for_function(IDLE)
        page.evaluate("() => { jupyterapp.commands.execute('runmenu:run-all'); }")
        page.wait_for_function(f"() => ({EXECUTED})() === 0")
        page.wait_for_function(IDLE)
        assert "error" not in page.evaluate(OUTPUTS)

        slider = page.locator(".widget-slider .noUi-handle").first
        slider.scroll_into_view_if_needed()
        before = page.locator(".widget-readout").first.inner_text()
        slider.focus()
        page.keyboard.press("ArrowRight")
        page.wait_for_function(
            "old => document.querySelector('.widget-readout').innerText !== old", arg=before
        )
        page.evaluate("() => jupyterapp.commands.execute('docmanager:save')")
        page.wait_for_function("() => !jupyterapp.shell.currentWidget.context.model.dirty")
        saved = json.loads((place / CHAPTER.name).read_text(encoding="utf-8"))
        kinds = {o["output_type"] for c in saved["cells"] for o in c.get("outputs", [])}
        assert "error" not in kinds
        page.goto(f"{address}/doc/tree/{CHAPTER.name}?reset", wait_until="domcontentloaded")
        page.wait_for_function(IDLE)
        assert page.get_by_text("model not found").count() == 0
        browser.close()
    assert not errors, "\n".join(errors)
