"""Licence and size are said before the first byte, wherever it is that one listens."""

from hypothesis import given, settings
from hypothesis import strategies as st

from edgekit.datasets.download_notice import NoticeForwarder, announce


@settings(max_examples=40, deadline=None)
@given(st.text(), st.text(), st.text(), st.integers(1, 9))
def test_a_notice_passes_whole_through_a_notebook_and_nothing_else_does(name, licence, home, size):
    told, heard = [], []
    announce(name, 67.04, licence, say=told.append, home=home)
    text = f"40 recordings\n  indented\n{told[0]}\nrefused: x\n  indented\n"
    through = NoticeForwarder(heard.append)
    for i in range(0, len(text), size):  # in pieces of any size
        through.write(text[i : i + size])
    assert heard == told[0].split("\n")
    assert "67.0 MB" in heard[0]
    assert heard[1].startswith("  licence: ")
