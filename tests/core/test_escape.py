"""Whatever a text holds, it is shown as it is: on one line, without markup, headings or formulas."""

from __future__ import annotations

import html
import re

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from edgekit.core import escape
from edgekit.core.errors import EdgekitError

HOSTILE = (
    'a"b\'c', "a\nopen('x')", "\\", "{}", "${x}", '"""', "'''", "<b>x</b>", "<script>alert(1)</script>",
    "\x1b[2J",
    "\u202eevil", "\0", "🙂", "\udce9", "## 03 heading", "1. one", "| a | b |", "$x^2$ and $y$", "__init__",
    "[a](http://b)", "![a](b)", "`code`", "*bold*", "http://example", "www.example.org", "a@b.org", "- x",
    "    x",
    "\u2028x", "&lt;", "~~x~~", "\\(x\\)", "===", "\ud83d", "+ x", "a_b_c", "{{x}}", "%s", "\r\n# x",
)  # fmt: skip
anything = st.one_of(st.sampled_from(HOSTILE), st.text(max_size=20))


@settings(max_examples=60, deadline=None)
@given(anything)
@example("\x85\x1c")
def test_a_line_is_one_line_that_can_be_written_and_read_again(text):
    shown = escape.line(text)
    shown.encode()
    assert len(shown.splitlines()) <= 1
    assert "\x1b" not in shown
    assert "\u202e" not in shown
    if text.isprintable():
        assert shown == text
    assert EdgekitError(text).args == (shown,), "an error quotes it, and stays one line"


@settings(max_examples=60, deadline=None)
@given(anything)
def test_a_page_shows_the_text_and_no_tag_of_it(text):
    shown = escape.html(text)
    assert set(re.findall(r"<[^>]*>", shown)) <= {"<span>", "</span>"}
    plain = html.unescape(re.sub(r"</?span>", "", shown))
    assert plain == escape.line(re.sub(r"[\t\r\n]+", " ", text))
    assert "$" not in re.sub(r"<span>\$</span>", "", shown)


@settings(max_examples=150, deadline=None)
@given(anything, st.sampled_from(["paragraph", "cell", "quote"]))
@example("## 03 x", "paragraph")
@example("1) x", "paragraph")
@example("12. x", "paragraph")
@example("$x^2$ and $y$", "cell")
@example("$$x$$", "quote")
def test_markdown_shows_the_text_and_nothing_that_it_could_mean(text, place):
    from nbconvert.filters import markdown2html

    marked = escape.markdown(text)
    if not marked.strip():
        return
    source = {
        "paragraph": f"{marked}\n\n## 03\nnext",
        "cell": f"| a | b |\n|---|---|\n| {marked} | 7 |\n\n## 03\nnext",
        "quote": f"> **Mind this.** {marked}\n\n## 03\nnext",
    }[place]
    page = markdown2html(source)
    tags = set(re.findall(r"<(\w+)", page)) - {"span"}
    assert tags == {"h2", "p", "a"} | {
        "paragraph": set(), "cell": {"table", "thead", "tbody", "tr", "th", "td"},
        "quote": {"blockquote", "strong"},
    }[place]  # fmt: skip
    assert page.count("<h2") == 1, "a label must not begin a section"
    assert page.count("href=") == 1, "the heading's own anchor, and no other link"
    plain = html.unescape(re.sub(r"<[^>]*>", "", page))
    assert escape.line(text).strip() in plain


@pytest.mark.parametrize("text", HOSTILE)
def test_a_picture_shows_the_text(text):
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(figsize=(2, 2))
    try:
        axes.plot([0, 1], label=escape.picture(text))
        axes.set_title(escape.picture(text))
        (shown,) = axes.legend().get_texts()
        figure.canvas.draw()
        assert shown.get_text().replace(r"\$", "$").strip() == escape.line(text).strip()
    finally:
        plt.close(figure)
