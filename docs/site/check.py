"""What is wrong with a built site: links that lead nowhere, and whatever a page would fetch from elsewhere.

Every link inside of the site is followed, to the anchor. Links to other hosts are only listed: `python
docs/site/check.py DIR --links` prints them, for whoever has a network to try them.
"""

import re
import sys
from functools import cache
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

ELSEWHERE = re.compile(r"(https?:)?//", re.IGNORECASE)
IN_CSS = re.compile(r"""(?:url\(|@import)\s*["']?\s*((?:https?:)?//[^"')\s;]+)""", re.IGNORECASE)
LOADED = {  # what a browser fetches by itself
    **{
        tag: ("src", "srcset", "data", "poster")
        for tag in ("img", "script", "iframe", "source", "video")
    },
    **{tag: ("src", "data") for tag in ("audio", "embed", "object", "track", "input")},
    "image": ("href", "xlink:href"),
    "use": ("href", "xlink:href"),
}


class Page(HTMLParser):
    """`anchors`: what a link can name in it; `links`: where it leads; `loaded`: what it fetches."""

    def __init__(self, text: str):
        super().__init__()
        self.anchors, self.links, self.loaded = {"", "top"}, [], []
        self.loaded += IN_CSS.findall(text)
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        given = {key: value or "" for key, value in attrs}
        self.anchors |= {given[k] for k in ("id", "name") if k in given}
        if tag == "a" and "href" in given:
            self.links.append(given["href"])
        fetched = [given[k] for k in LOADED.get(tag, ()) if k in given]
        # a page's own icons and styles; its address in a search engine's eyes is not fetched
        if tag == "link" and given.get("rel") not in ("canonical", "next", "prev", "author"):
            fetched.append(given.get("href", ""))
        self.loaded += fetched
        self.links += [url for url in fetched if not ELSEWHERE.match(url)]


@cache
def read(path: Path) -> Page:
    return Page(path.read_text(encoding="utf-8"))


def faults(site: Path) -> list[str]:
    """One line a fault of the pages and styles in `site`; none: every link inside of it leads somewhere."""
    site, found = site.resolve(), []
    for path in sorted(site.rglob("*.html")):
        name, page = path.relative_to(site), read(path)
        found += [f"{name}: fetches {url}" for url in page.loaded if ELSEWHERE.match(url)]
        found += [
            f"{name}: {url} leads nowhere" for url in page.links if not _leads(path, url, site)
        ]
    for path in sorted(site.rglob("*.css")):
        urls = IN_CSS.findall(path.read_text(encoding="utf-8"))
        found += [f"{path.relative_to(site)}: fetches {url}" for url in urls]
    return found


def _leads(page: Path, url: str, site: Path) -> bool:
    parts = urlsplit(url)
    if parts.scheme or parts.netloc:
        return True
    target = (page.parent / unquote(parts.path)).resolve() if parts.path else page
    if not target.is_relative_to(site) or not target.is_file():
        return False
    return target.suffix != ".html" or unquote(parts.fragment) in read(target).anchors


def elsewhere(site: Path) -> list[str]:
    """The links to other hosts, each once."""
    links = {url for path in site.rglob("*.html") for url in read(path).links}
    return sorted(url for url in links if ELSEWHERE.match(url))


if __name__ == "__main__":
    lines = elsewhere(Path(sys.argv[1])) if "--links" in sys.argv else faults(Path(sys.argv[1]))
    print("\n".join(lines))
    sys.exit(bool(lines) and "--links" not in sys.argv)
