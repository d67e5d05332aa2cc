"""Files under guessable names: what somebody else put there is neither read nor written."""

import os

import pytest

from edgekit.core import safe_files


@pytest.mark.parametrize("put", ["symlink", "dangling", "second name", "pipe", "folder"])
def test_what_somebody_put_there_is_not_gone_on_with(tmp_path, put):
    theirs, mine = tmp_path / "theirs", tmp_path / "mine.part"
    theirs.write_bytes(b"precious")
    if put == "symlink":
        mine.symlink_to(theirs)
    elif put == "dangling":
        mine.symlink_to(tmp_path / "to be made")
    elif put == "second name":
        os.link(theirs, mine)
    elif put == "pipe":
        os.mkfifo(mine)
    else:
        mine.mkdir()
    assert safe_files.open_existing(mine) is None
    assert safe_files.size(mine) == 0
    if put == "folder":
        with pytest.raises(OSError, match="mine"):
            safe_files.open_to_append(mine)
        return
    with safe_files.open_to_append(mine) as file:
        file.write(b"new")
    assert mine.read_bytes() == b"new"
    assert theirs.read_bytes() == b"precious"
    assert not (tmp_path / "to be made").exists()


def test_what_is_ours_is_gone_on_with(tmp_path):
    for part in (b"a", b"bc"):
        with safe_files.open_to_append(tmp_path / "x") as file:
            file.write(part)
    assert safe_files.size(tmp_path / "x") == 3
    with safe_files.open_existing(tmp_path / "x") as file:
        assert file.read() == b"abc"
    with safe_files.create_new(tmp_path / "x") as file:
        assert file.read() == b""
