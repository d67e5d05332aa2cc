"""A verdict counts what was judged, by one design, of chapters that stand; and no writer loses a seal."""

import json
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from edgekit import data
from edgekit.cli.commands import main
from edgekit.core.errors import EdgekitError
from edgekit.core.figures import measured, published
from edgekit.pipeline import run
from edgekit.pipeline.manifest import read_manifest, stale_reasons, update_manifest
from edgekit.pipeline.review import review
from edgekit.view import report
from tests.toy import DESIGN, SECOND, notebook

TWO_LINES = DESIGN.replace("flash_bytes = 150", "flash_bytes = 150\nram_bytes = 50")


def design(toy, text):
    (toy / "usecases" / "toy" / "design.toml").write_text(text)


def first(figure=100, **more):
    """Chapter 00 by hand: opened, written, judged."""
    opened = run.open_run("design", "toy", **more)
    opened.save("numbers.npy", np.arange(5))
    opened.gate({"flash_bytes": measured(figure, "bytes", "counted")})
    return opened


def second():
    opened = run.open_run("sum", "toy")
    opened.save("sum.json", {"sum": int(opened.load("numbers.npy").sum())})
    opened.gate({"flash_bytes": measured(100, "bytes", "counted")})
    return opened


def page(opened):
    return report.write(opened.directory).read_text()


# ------------------------------------------------------------------------------ what was judged


def test_a_part_of_the_chain_is_not_within_budget(toy, capsys):
    notebook(toy / "notebooks", "01_sum", SECOND, ["numbers.npy"], ["sum.json"], ["ram_bytes"])
    design(toy, TWO_LINES)
    assert main(["run", "toy", "--through", "design", "--strict"]) == 1
    said = capsys.readouterr().out
    assert "budget: 1 of 2 lines judged, all kept; not judged: RAM (by 01_sum)" in said
    html = (toy / "runs" / "toy-quick" / "report.html").read_text()
    assert "1 of 2 lines judged" in html
    assert "not judged: RAM (by 01_sum)" in html


def test_a_line_that_no_chapter_judges_keeps_strict_from_passing(toy, capsys):
    design(toy, TWO_LINES)
    assert main(["run", "toy", "--strict"]) == 1
    assert "RAM (by no chapter)" in capsys.readouterr().out


def test_a_gate_judges_what_its_chapter_says(toy):
    opened = run.open_run("design", "toy")
    opened.save("numbers.npy", np.arange(5))
    with pytest.raises(EdgekitError, match="judges nothing, its metadata says flash_bytes"):
        opened.gate({})


# ----------------------------------------------------------------------------------- one design


def test_a_report_shows_the_design_that_its_figures_were_judged_by(toy):
    opened = first()
    design(toy, DESIGN.replace("stm32u5", "nrf5340").replace("= 150", "= 50"))
    html = page(opened)
    assert "STM32U575" in html
    assert "nRF5340 " not in html.replace("stm32u5 → nrf5340", "")
    assert "flash_bytes 150 → 50, board stm32u5 → nrf5340" in html
    assert "1 of 1 lines judged, all kept" in html


def test_chapters_of_an_earlier_design_do_not_count(toy):
    first(), second()
    design(toy, DESIGN.replace("= 150", "= 50"))
    opened = first()
    found = review(opened.directory)
    assert found.stale == {"01_sum": "was judged by an earlier design"}
    assert [(v.limit, v.state) for v in found.verdicts] == [(50, "missed")]
    html = page(opened)
    assert "missed: flash" in html
    assert "✗" in html
    assert "01_sum does not count: it was judged by an earlier design" in html


def test_a_comment_in_the_design_changes_nothing(toy):
    opened = first()
    design(toy, "# a thought\n" + DESIGN)
    assert review(opened.directory).changed == ""


def test_a_run_carries_the_design_that_judged_it(toy, capsys):
    opened = first()
    assert (opened.directory / "design.toml").read_text() == DESIGN
    design(toy, DESIGN.replace("= 150", "= 50"))
    assert review(opened.directory).design.budget.flash_bytes == 150
    assert "flash_bytes 150 → 50" in run.open_run("design", "toy")._repr_html_()
    assert main(["report", str(opened.directory)]) == 0
    assert "changed since the run was judged: flash_bytes 150 → 50" in capsys.readouterr().out


def test_a_run_whose_design_is_not_the_one_that_judged_it_says_so_and_mends_it(toy, capsys):
    assert main(["run", "toy"]) == 0
    directory = toy / "runs" / "toy-quick"
    for damage in (DESIGN.replace("= 150", "= 50"), "[budget", None):
        (directory / "design.toml").unlink()
        if damage is not None:
            (directory / "design.toml").write_text(damage)
        assert main(["report", str(directory)]) == 2
        error = capsys.readouterr().err
        assert "design" in error
        assert error.count("\n") == 1
        assert main(["run", "toy"]) == 0
        assert "skipped" in capsys.readouterr().out
        assert (directory / "design.toml").read_text() == DESIGN


def test_a_chapter_is_not_judged_by_a_design_that_changed_while_it_was_open(toy):
    opened = run.open_run("design", "toy")
    opened.save("numbers.npy", np.arange(5))
    assert opened.design.budget.flash_bytes == 150
    design(toy, DESIGN.replace("= 150", "= 50"))
    with pytest.raises(EdgekitError, match="was changed since this chapter was opened"):
        opened.gate({"flash_bytes": measured(100, "bytes", "counted")})
    assert read_manifest(opened.directory)["steps"] == {}


def test_a_run_of_another_version_is_not_read(toy):
    path = first().directory / "manifest.json"
    old = json.loads(path.read_text())
    del old["schema"]
    path.write_text(json.dumps(old))
    with pytest.raises(
        EdgekitError, match=r"another version of edgekit \(schema 1, this one reads 2\)"
    ):
        run.open_run("sum", "toy")


def test_a_command_sees_a_run_as_its_folder_says_it_is(toy):
    opened = first()
    design(toy, DESIGN.replace("= 150", "= 50"))
    again = run.reopen(opened.directory, "00_design", ("numbers.npy",))
    assert (again.use_case, again.seed, again.design.budget.flash_bytes) == ("toy", 0, 150)
    assert again.load("numbers.npy").tolist() == [0, 1, 2, 3, 4]
    with pytest.raises(EdgekitError, match="has no chapter 05_export"):
        run.reopen(opened.directory, "05_export", ())


def test_what_was_made_from_replaced_artefacts_does_not_count(toy):
    first(), second()
    opened = run.open_run("design", "toy")
    opened.save("numbers.npy", np.arange(9))
    opened.gate({"flash_bytes": measured(100, "bytes", "counted")})
    assert review(opened.directory).stale == {"01_sum": "was made before 00_design was run again"}


def test_a_chapter_stands_on_those_before_it():
    def entry(inputs, outputs):
        return {"design": "d", "inputs": inputs, "outputs": outputs}

    steps = {"00": entry({}, {"a": "2"}), "01": entry({"a": "1"}, {"b": "1"}),
             "02": entry({"b": "1"}, {}), "03": entry({"lost": "1"}, {})}  # fmt: skip
    told = stale_reasons({"steps": steps, "design_digest": "d"})
    assert told["00"] == ""
    assert told["02"] == "stands on 01, which was made before 00 was run again"
    assert "which no chapter has sealed" in told["03"]


def test_the_report_of_a_use_case_that_is_gone_still_shows_what_was_judged(toy):
    opened = first()
    (toy / "usecases" / "toy" / "design.toml").unlink()
    assert "STM32U575" in page(opened)


def test_an_artefact_that_was_written_over_takes_its_chapters_along(toy):
    opened = first()
    second()
    np.save(opened.directory / "artefacts" / "numbers.npy", np.arange(9))
    stale = review(opened.directory).stale
    assert stale["00_design"] == "no longer has the numbers.npy that it sealed"
    assert stale["01_sum"].startswith("stands on 00_design")


def test_a_gate_seals_what_was_read_and_not_what_lies_there_now(toy):
    first()
    reader = run.open_run("sum", "toy")
    reader.save("sum.json", {"sum": int(reader.load("numbers.npy").sum())})
    again = run.open_run("design", "toy")
    again.save("numbers.npy", np.arange(9))
    again.gate({"flash_bytes": measured(100, "bytes", "counted")})
    with pytest.raises(EdgekitError, match="was written again since 01_sum read it"):
        reader.gate({"flash_bytes": measured(100, "bytes", "counted")})


def test_what_stands_on_replaced_artefacts_is_not_read_on(toy):
    notebook(toy / "notebooks", "02_more", "", ["sum.json"], [])
    first(), second()
    again = run.open_run("design", "toy")
    again.save("numbers.npy", np.arange(9))
    again.gate({"flash_bytes": measured(100, "bytes", "counted")})
    with pytest.raises(EdgekitError, match="01_sum was made before 00_design was run again"):
        run.open_run("more", "toy")


def test_a_design_changed_and_changed_back_is_the_same_design(toy, capsys):
    assert main(["run", "toy", "--strict"]) == 0
    design(toy, DESIGN.replace("= 150", "= 151"))
    assert main(["run", "toy", "--through", "design"]) == 0
    design(toy, DESIGN)
    assert main(["run", "toy", "--from", "sum", "--strict"]) == 0
    assert (
        review(toy / "runs" / "toy-quick").stale["00_design"] == "was judged by an earlier design"
    )
    assert main(["run", "toy", "--strict"]) == 0
    assert review(toy / "runs" / "toy-quick").stale == {}


def test_a_chapter_sealed_by_hand_is_not_shown_by_an_older_copy(toy):
    assert main(["run", "toy"]) == 0
    opened = first(figure=120)
    html = page(opened)
    assert html.count("Sealed by hand") == 1


def test_a_parameter_that_no_running_chapter_takes_is_refused(toy, capsys):
    cell = "extra = 1  # of this chapter alone\n"
    path = toy / "notebooks" / "01_sum.ipynb"
    text = path.read_text().replace("offline = False\\n", f"offline = False\\n{cell.strip()}\\n")
    path.write_text(text)
    assert main(["run", "toy", "--through", "design", "-p", "extra=2"]) == 2
    assert "only 01_sum takes it" in capsys.readouterr().err


# ------------------------------------------------------------------------------ data and origin


def tone(simulated):
    return data.Recording("r", np.zeros(100), 10.0, "a", "g", "field", simulated=simulated)


@pytest.mark.parametrize(("simulated", "says"), [(True, "simulated"), (False, "real")])
def test_every_figure_says_on_which_data_it_rests(toy, simulated, says):
    opened = run.open_run("design", "toy")
    windows = data.window([tone(simulated)], ("a", "b"), 10, 10)
    assert opened.record_origin(windows) == says
    opened.save("numbers.npy", np.arange(5))
    opened.figures["price"] = published(3, "EUR", "a list")
    opened.gate({"flash_bytes": measured(100, "bytes", "counted")})
    figures = read_manifest(second().directory)["steps"]
    for step in figures.values():
        assert step["figures"]["flash_bytes"]["data"] == says
    assert "data" not in figures["00_design"]["figures"]["price"]
    html = page(opened)
    assert f"measured on {says} data" in html
    assert ("how well a device will do" in html) == simulated


def test_windows_remember_which_of_them_are_simulated(tmp_path):
    mixed = data.concat([data.window([tone(s)], ("a", "b"), 10, 10) for s in (True, False)])
    mixed.save(tmp_path / "w.npz")
    back = data.Windows.load(tmp_path / "w.npz")
    assert data.data_origin(back) == "partly simulated"
    assert data.data_origin(back[back.simulated]) == "simulated"


def test_one_folder_never_mixes_simulated_and_real(toy):
    opened = run.open_run("design", "toy")
    opened.record_origin([tone(False)])
    opened.save("numbers.npy", np.arange(5))
    opened.gate({"flash_bytes": measured(100, "bytes", "counted")})
    with pytest.raises(EdgekitError, match="rests on real data, these recordings are simulated"):
        run.open_run("design", "toy").record_origin([tone(True)])
    offline = run.open_run("design", "toy", offline=True)
    assert offline.record_origin([tone(True)]) == "simulated"
    assert offline.directory.name == "toy-quick-offline"


# -------------------------------------------------------------------------------------- sealing


def test_to_open_a_chapter_and_look_does_not_unseal_it(toy):
    opened = first()
    sealed = read_manifest(opened.directory)["steps"]
    again = run.open_run("design", "toy")
    assert again.load("numbers.npy").tolist() == [0, 1, 2, 3, 4]
    assert read_manifest(opened.directory)["steps"] == sealed
    again.save("numbers.npy", np.arange(3))
    with pytest.raises(EdgekitError, match="not what 00_design sealed"):
        run.open_run("sum", "toy")


WRITER = """
import sys
from pathlib import Path
from edgekit.pipeline.manifest import update_manifest
for i in range(15):
    update_manifest(Path(sys.argv[1]), f"{sys.argv[2]}-{i:02d}", {"inputs": {}, "outputs": {}})
"""


def test_writers_side_by_side_keep_each_others_seals(toy):
    directory = first().directory
    command = [sys.executable, "-c", WRITER, str(directory)]
    others = [subprocess.Popen([*command, f"process{k}"]) for k in range(2)]
    entry = {"inputs": {}, "outputs": {}}
    with ThreadPoolExecutor(4) as pool:
        for k in range(60):
            pool.submit(update_manifest, directory, f"thread-{k:02d}", entry)
    assert [p.wait() for p in others] == [0, 0]
    assert len(read_manifest(directory)["steps"]) == 1 + 2 * 15 + 60
