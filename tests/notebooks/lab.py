"""A chapter as a reader meets it, in a browser: run from top to bottom, saved, opened again."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import urllib.request
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nbformat

from edgekit.core.ports import await_server, free_port
from tests.browser import chromium

PATIENCE_MS = 600_000  # for a chapter's slowest cells
IDLE = """() => {
  const shown = window.jupyterapp && jupyterapp.shell.currentWidget;
  const session = shown && shown.sessionContext && shown.sessionContext.session;
  return !!session && !!session.kernel && session.kernel.status === 'idle';
}"""
CELLS = "jupyterapp.shell.currentWidget.context.model.toJSON().cells"
WAITING = f"{CELLS}.filter(c => c.cell_type === 'code' && c.execution_count === null).length"
KINDS = f"() => {CELLS}.flatMap(c => (c.outputs || []).map(o => o.output_type))"
MOVED = (
    "([k, old]) => document.querySelectorAll('.widget-slider .widget-readout')[k].innerText !== old"
)
CHOSEN = "([k, old]) => document.querySelectorAll('.widget-dropdown select')[k].value !== old"


@dataclass(frozen=True)
class App:
    """What shows notebooks: its Python module, its page for one, keys that move a slider on and back."""

    title: str
    module: str
    page: str
    keys: tuple[str, str]


LAB = App("JupyterLab", "jupyterlab", "doc/tree", ("ArrowRight", "ArrowLeft"))
# Notebook 7 takes the arrow keys before the slider sees them: they move from heading to heading
NOTEBOOK = App("Notebook 7", "notebook", "notebooks", ("PageUp", "PageDown"))


@contextmanager
def served(place: Path, runs: Path, app: App = LAB) -> Iterator[str]:
    """`app` over the folder `place`, its kernels' runs in `runs`; its address."""
    port = free_port()
    words = [
        *("--no-browser", "--allow-root", "--ip=127.0.0.1", f"--port={port}"),
        *("--expose-app-in-browser", f"--notebook-dir={place}"),
        *("--IdentityProvider.token=", "--ServerApp.password="),
    ]
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    environment = os.environ | {"EDGEKIT_RUNS": str(runs)}
    server = subprocess.Popen([sys.executable, "-m", app.module, *words], env=environment, **quiet)
    address = f"http://127.0.0.1:{port}"
    try:
        assert await_server(
            lambda: urllib.request.urlopen(f"{address}/api/status", timeout=5).close(),
            lambda: server.poll() is None,
            seconds=60,
        ), f"{app.title} did not start"
        yield address
    finally:
        server.terminate()
        try:
            server.wait(20)
        except subprocess.TimeoutExpired:  # a machine with much else to do
            server.kill()
            server.wait()


@contextmanager
def heard(wrong: list[str], known: Collection[str] = ()) -> Iterator[Any]:
    """A page in a browser whose errors go into `wrong`, but for the `known`."""

    def hear(text: str) -> None:
        if text not in known:
            wrong.append(text)

    with chromium() as browser:
        page = browser.new_page(viewport={"width": 1280, "height": 900})
        page.on("console", lambda m: hear(m.text) if m.type == "error" else None)
        page.on("pageerror", lambda e: hear(str(e)))
        page.set_default_timeout(PATIENCE_MS)
        yield page


def own_errors(address: str, place: Path, app: App) -> set[str]:
    """What `app`, served over `place`, has to say against a notebook without a cell: no chapter's fault."""
    wrong: list[str] = []
    nbformat.write(nbformat.v4.new_notebook(), place / "empty.ipynb")
    with heard(wrong) as page:
        page.goto(f"{address}/{app.page}/empty.ipynb?reset", wait_until="domcontentloaded")
        page.wait_for_function("() => window.jupyterapp && jupyterapp.shell.currentWidget")
        page.wait_for_timeout(3000)
    return set(wrong)


def read_through(
    address: str, notebook: Path, app: App = LAB, known: Collection[str] = ()
) -> tuple[list[str], int]:
    """Run all, move each slider and menu by keyboard, save, open again: (what went wrong but for the `known`,
    controls moved)."""
    wrong: list[str] = []
    with heard(wrong, known) as page:

        def opened():
            page.goto(f"{address}/{app.page}/{notebook.name}?reset", wait_until="domcontentloaded")
            page.wait_for_function(IDLE)

        opened()
        page.evaluate("() => { jupyterapp.commands.execute('runmenu:run-all'); }")
        page.wait_for_function(f"() => {WAITING} === 0 || ({KINDS})().includes('error')")
        page.wait_for_function(IDLE)
        wrong += ["a cell ended with an error"] * page.evaluate(KINDS).count("error")
        moved = _move_sliders(page, app) + _choose_from_menus(page)
        page.wait_for_function(IDLE)
        page.evaluate("() => jupyterapp.commands.execute('docmanager:save')")
        page.wait_for_function("() => !jupyterapp.shell.currentWidget.context.model.dirty")
        cells = json.loads(notebook.read_text(encoding="utf-8"))["cells"]
        kinds = [o["output_type"] for c in cells for o in c.get("outputs", [])]
        wrong += ["an error was saved"] * kinds.count("error")
        opened()
        wrong += ["model not found"] * page.get_by_text("model not found").count()
    return wrong, moved


def _move_sliders(page: Any, app: App) -> int:
    sliders = page.locator(".widget-slider")
    for k in range(sliders.count()):
        _show(sliders.nth(k))
        readout = sliders.nth(k).locator(".widget-readout")
        readout.wait_for()  # what is off the screen is not drawn, has no text and no focus
        before = readout.inner_text()
        sliders.nth(k).locator(".noUi-handle").focus()
        page.keyboard.press(app.keys[0])
        if readout.inner_text() == before:
            page.keyboard.press(app.keys[1])  # it stood at its end
        page.wait_for_function(MOVED, arg=[k, before], timeout=20_000)
    return sliders.count()


def _choose_from_menus(page: Any) -> int:
    """Another entry of each; a shut menu leaves arrows and letters to the notebook, so it is opened first."""
    menus = page.locator(".widget-dropdown select")
    for k in range(menus.count()):
        _show(menus.nth(k))
        before = menus.nth(k).input_value()
        for arrow in ("ArrowDown", "ArrowUp"):  # the second where it stood at its end
            menus.nth(k).focus()
            for key in ("Space", arrow, "Enter"):
                page.keyboard.press(key)
                page.wait_for_timeout(200)
            if menus.nth(k).input_value() != before:
                break
        page.wait_for_function(CHOSEN, arg=[k, before], timeout=20_000)
    return menus.count()


def _show(control: Any) -> None:
    control.evaluate("e => e.scrollIntoView({block: 'center'})")
