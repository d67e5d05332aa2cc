"""Text from a file or a person made harmless for the place where it is shown.

Names of files, labels, channels and messages are data. They may hold line breaks, markup, mathematics,
commands of a terminal or what makes text run backwards; each place has one way to show them as they are.
"""

from __future__ import annotations

import html as _html
import os
import re
import shlex
from pathlib import Path

MARKUP = re.compile(  # what Markdown may read as more than a character, there where it may
    r"[\\`*\[\]|~#@]|(?<![^\W_])_|_(?![^\W_])|^[-+=:\s]|(?<=^\d)[.)]|(?<=^\d\d)[.)]|(?<=\w):(?=//)"
    r"|(?<=www)\."
)
JOINERS = "\u200c\u200d"  # between the parts of an emoji or a word; they hide nothing


def encodable(text: str) -> str:
    """`text` that UTF-8 can hold: halves of characters, as of a file name of another encoding, become
    escapes.

    >>> encodable("caf\\udce9")
    'caf\\\\xe9'
    """
    return re.sub("[\ud800-\udfff]", _half, text)


def _half(found: re.Match[str]) -> str:
    code = ord(found[0])
    return f"\\x{code - 0xDC00:02x}" if 0xDC80 <= code <= 0xDCFF else f"\\u{code:04x}"


def line(text: str) -> str:
    """`text` on one line for a terminal or a comment: whatever cannot be printed becomes an escape.

    >>> line("a\\nb\\x1b[2J")
    'a\\\\nb\\\\x1b[2J'
    """
    text = encodable(str(text))
    return "".join(c if c.isprintable() or c in JOINERS else repr(c)[1:-1] for c in text)


def shell(text: str | Path) -> str:
    """`text` as one word of a command that somebody types here: on Windows a path, which has no quote in it.

    >>> shell("model.tflite")
    'model.tflite'
    """
    if os.name != "nt":
        return shlex.quote(str(text))
    return str(text) if re.fullmatch(r"[\w.:\\/-]+", str(text)) else f'"{text}"'


def html(text: str) -> str:
    """`text` between tags, or in an attribute: no markup, and no mathematics where a page sets it;
    line breaks are spaces, as between tags."""
    text = re.sub(r"[\t\r\n]+", " ", str(text))
    return _html.escape(line(text)).replace("$", "<span>$</span>")


def markdown(text: str) -> str:
    """`text` in a paragraph or a table's cell of Markdown: no markup, no link, no heading, no formula.

    >>> markdown("## 03 <b>")
    '&#35;&#35; 03 &lt;b&gt;'
    """
    plain = _html.escape(line(text), quote=False)
    return re.sub(MARKUP, _entity, plain).replace("$", "<span>&#36;</span>")


def _entity(found: re.Match[str]) -> str:
    return "".join(f"&#{ord(c)};" for c in found[0])


def picture(text: str) -> str:
    """`text` in a picture: matplotlib reads `$` as mathematics and hides what begins with `_`."""
    shown = line(text).replace("$", r"\$")
    return f" {shown}" if shown.startswith("_") else shown
