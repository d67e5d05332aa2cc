"""The report is the reader of what no chapter reads."""

import pytest

from edgekit.pipeline import artefacts
from edgekit.pipeline.artefacts import ARTEFACTS, REPORT
from edgekit.pipeline.manifest import artefact_path
from edgekit.view.report_artefacts import TABLES, sections
from tests.pipeline.test_artefacts import VALUES

SHOWN = [name for name, artefact in ARTEFACTS.items() if REPORT in artefact.readers]


@pytest.fixture
def directory(tmp_path):
    (tmp_path / "artefacts").mkdir()
    for name in SHOWN:
        value = VALUES.get(name, b"content of " + name.encode())
        path = artefact_path(tmp_path, name)
        path.write_bytes(value) if isinstance(value, bytes) else artefacts.write(path, value, name)
    return tmp_path


def test_everything_that_the_report_is_to_read_is_in_it(directory):
    page = sections(directory, set())
    for name in SHOWN:
        if name in TABLES:
            assert TABLES[name] in page
        else:
            assert f'href="artefacts/{name}"' in page
            assert ARTEFACTS[name].holds in page
    assert "&lt;b&gt;" in page  # a note of the ledger
    assert "4,096" in page


def test_what_does_not_count_or_is_not_there_is_left_out(directory):
    artefact_path(directory, "tflm.zip").unlink()
    page = sections(directory, {"06_ota"})
    assert "update.bin" not in page
    assert "tflm.zip" not in page
    assert "firmware.zip" in page


def test_a_damaged_table_is_a_sentence(directory):
    artefact_path(directory, "model.json").write_text("{")
    assert "is damaged" in sections(directory, set())
