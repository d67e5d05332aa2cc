"""What others wrote is what its page says it is."""

import hashlib
import re
from importlib import resources

import pytest

CRYPTO = resources.files("edgekit.firmware") / "crypto"
HASH = re.compile(r"\| *`?([\w.-]+\.[ch])`? *\|.*`([0-9a-f]{64})` *\|")


@pytest.mark.parametrize(("page", "files"), [("monocypher", 2), ("p256-m", 2), ("aes_ct", 3)])
def test_a_file_of_others_is_the_one_that_its_page_names(page, files):
    told = HASH.findall((CRYPTO / f"{page}.md").read_text("utf-8"))
    assert len(told) == files
    for name, sha256 in told:
        assert hashlib.sha256((CRYPTO / name).read_bytes()).hexdigest() == sha256, name


def test_every_c_file_has_its_author_in_the_readme():
    readme = (CRYPTO / "README.md").read_text("utf-8")
    for file in CRYPTO.iterdir():
        stem, end = file.name.rsplit(".", 1)
        assert end == "md" or f"`{stem}" in readme, file.name
