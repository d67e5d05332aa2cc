"""Sphinx's settings for the site that build.py lays out. Nothing is fetched, at the build or by a reader.

Formulas are drawn here, as the workshop's slides draw them: Sphinx's own way fetches MathJax when a page is
opened. Notebooks are shown with the outputs that they have; none is run.
"""

import ast
import re
from collections.abc import Iterator
from itertools import groupby
from pathlib import Path

from docutils import nodes
from sphinx.domains.python import PythonDomain

from edgekit.core.version import VERSION
from edgekit.workshop.slides import formula

project, author, release = "edgekit", "the authors of edgekit", VERSION
extensions = ["myst_nb", "sphinx.ext.autodoc"]
html_theme = "furo"
html_title = f"edgekit {release}"
html_static_path = ["static"]
html_extra_path = [
    str(p) for p in Path(__file__).parents[1].glob("*.txt")
]  # llms.txt, where it is looked for
html_css_files = ["site.css"]
html_show_copyright = False
html_show_search_summary = False  # would fetch each page found: not from files
html_copy_source = html_show_sourcelink = False
html_math_renderer = "pictures"

nb_execution_mode = "off"
nb_ipywidgets_js = {}  # from a CDN; a chapter run headless has pictures in the controls' place
nb_render_markdown_format = "myst"
nb_merge_streams = True
myst_enable_extensions = ["dollarmath"]
myst_heading_anchors = 4

autodoc_member_order = "bysource"
autodoc_typehints_format = "short"
autodoc_preserve_defaults = True
default_role = "literal"

suppress_warnings = [
    "mystnb.unknown_mime_type",  # a widget's view beside its picture
    "myst.header",  # an exercise's "What you need" stands a step lower than its tasks
]


def as_rst(lines: list[str]) -> list[str]:
    """A docstring of the house: prose with `code`, tables of names and indented blocks as they stand.

    Everything else that reStructuredText would read as markup is a character: `*args`, `name_`, `|x|`.
    """
    made: list[str] = []
    for drawn, rows in _blocks("\n".join(lines)):
        if drawn:
            made += ["", "::", "", *(f"   {row}" for row in rows), ""]
        else:
            made += [*_prose("\n".join(rows)).split("\n"), ""]
    return made


def _blocks(text: str) -> Iterator[tuple[bool, list[str]]]:
    """Lines that belong together, and whether they stand as they are: code, or columns."""
    for paragraph in re.split(r"\n\s*\n(?=\S)", text):
        try:
            ast.parse(paragraph)
            is_code = "(" in paragraph
        except SyntaxError:
            is_code = False
        if is_code:
            yield True, paragraph.split("\n")
        else:
            for drawn, rows in groupby(paragraph.split("\n"), _is_drawn):
                yield drawn, list(rows)


def _is_drawn(row: str) -> bool:
    """Indented, or in columns."""
    return bool(re.match(r"\s+\S|.*\S {3,}\S", row))


def _prose(text: str) -> str:
    """`code` as it is, the rest without a meaning."""
    parts = re.split(r"(`+[^`]+`+)", text)
    return "".join(
        f"\\ ``{part.strip('`')}``\\ " if i % 2 else re.sub(r"([\\*_|`])", r"\\\1", part)
        for i, part in enumerate(parts)
    ).strip()


class OneMeaning(PythonDomain):
    """A type that is only named (`Plan`) is a link where one class is called so, a word where several are."""

    def find_obj(self, *args, **kwargs):
        found = super().find_obj(*args, **kwargs)
        return found if sum(not entry.aliased for _, entry in found) < 2 else []


def setup(app):
    def docstring(app, what, name, obj, options, lines):
        lines[:] = as_rst(lines)

    def signature(app, what, name, obj, options, given, returned):
        return given and given.replace("= <factory>", "= ..."), returned

    def others(app, what, name, obj, skip, options):
        """What a module only hands on of a library's is described there."""
        return True if not getattr(obj, "__module__", "edgekit").startswith("edgekit") else None

    def inline(self, node):
        self.body.append(f'<span class="formula">{formula(node.astext())}</span>')
        raise nodes.SkipNode

    def block(self, node):
        self.body.append(f'<div class="math formula">{formula(node.astext(), block=True)}</div>')
        raise nodes.SkipNode

    app.add_html_math_renderer("pictures", (inline, None), (block, None))
    app.add_domain(OneMeaning, override=True)
    app.connect("autodoc-process-docstring", docstring)
    app.connect("autodoc-process-signature", signature)
    app.connect("autodoc-skip-member", others)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
