"""A deck of a chapter's cells tagged `slide`: one HTML file that needs neither network nor library.

nbconvert's slides fetch reveal.js, MathJax and more when they are shown: without internet there is nothing
to see. This page holds what it needs: some CSS, a script for the keys, and formulas as pictures.
"""

from __future__ import annotations

import json
import re
from html import escape
from io import BytesIO
from pathlib import Path

from edgekit.core.extras import missing
from edgekit.workshop.source import Cell, ExerciseBook, tags, text, unlinked

TAG = "slide"
FORMULA = re.compile(r"\$\$(.+?)\$\$|\$([^$\n]+?)\$", re.S)
PAGE = Path(__file__).with_name("slides.html")


def deck(book: ExerciseBook, chapter: Path | None = None) -> str:
    """The page: tagged cells of the `chapter`'s notebook, then those of its exercises.

    A formula is TeX as matplotlib sets it; one that it cannot set is shown as it is written. Markup inside
    of Markdown is shown, not run. Raises EdgekitError where mistune is missing.
    """
    cells = json.loads(chapter.read_text(encoding="utf-8"))["cells"] if chapter else []
    shown = [c for c in [*cells, *book.notebook["cells"]] if TAG in tags(c)]
    sections = "\n".join(f"<section>\n{_html(c)}</section>" for c in shown)
    page = PAGE.read_text(encoding="utf-8")
    return page.replace("{title}", escape(book.title)).replace("{sections}", sections)


def _html(cell: Cell) -> str:
    if cell["cell_type"] == "code":
        return f"<pre><code>{escape(text(cell))}</code></pre>\n"
    try:
        import mistune
    except ImportError:
        raise missing("slides need", "mistune", "notebooks") from None
    pictures: list[str] = []

    def kept(found: re.Match[str]) -> str:
        pictures.append(formula(found[1] or found[2], block=bool(found[1])))
        return f"@@{len(pictures) - 1}@@"

    source = FORMULA.sub(kept, unlinked(cell))
    page = mistune.create_markdown(escape=True, plugins=["table"])(source)
    return re.sub(r"@@(\d+)@@", lambda found: pictures[int(found[1])], str(page))


def formula(tex: str, block: bool = False) -> str:
    """TeX as an SVG between tags, or as its own source where matplotlib cannot set it."""
    import matplotlib as mpl
    from matplotlib.mathtext import math_to_image

    flat, file = " ".join(tex.split()), BytesIO()
    try:
        with mpl.rc_context(
            {"svg.fonttype": "path", "svg.hashsalt": "edgekit", "mathtext.fontset": "cm"}
        ):
            depth = math_to_image(f"${flat}$", file, format="svg", dpi=72)
    except ValueError:
        return f"<code>{escape(flat)}</code>"
    svg = re.sub(r".*?(<svg .*</svg>).*", r"\1", file.getvalue().decode(), flags=re.S)
    svg = re.sub(r"<metadata>.*?</metadata>", "", svg, flags=re.S)
    svg = re.sub(r'(width|height)="([\d.]+)pt"', _in_em, svg, count=2)
    style = (
        "display:block;margin:1em auto;font-size:1.3em"
        if block
        else f"vertical-align:{-depth / 10:.2f}em"
    )
    return svg.replace("<svg ", f'<svg role="img" aria-label="{escape(flat)}" style="{style}" ', 1)


def _in_em(found: re.Match[str]) -> str:
    return f'{found[1]}="{float(found[2]) / 10:.2f}em"'  # set at 10 points
