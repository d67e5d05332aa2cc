"""Chapter 00 with a design of one's own, which need not say all that the kit's do."""

import json
from dataclasses import replace

from edgekit import design, select, usecases
from edgekit.core.workspace import Workspace, shipped
from edgekit.design.design import Flows


def test_a_design_need_not_say_what_may_leave(capsys):
    notebook = json.loads((shipped("notebooks") / "00_design.ipynb").read_text(encoding="utf-8"))
    (cell,) = (c for c in notebook["cells"] if "flows.window_bytes" in "".join(c["source"]))
    known = design.load(usecases.folder("activity", Workspace.find().folder) / "design.toml")
    for flows, lines in ((known.flows, 2), (Flows(), 1)):
        exec("".join(cell["source"]), {"design": replace(known, flows=flows), "select": select})
        assert len(capsys.readouterr().out.splitlines()) == lines
