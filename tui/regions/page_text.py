"""The lines of an HTML page as its Markdown would have them: headings, bold lines, items, links. Pure."""

from __future__ import annotations

from html.parser import HTMLParser

_HEADINGS = frozenset({"h1", "h2", "h3", "h4", "h5", "h6"})
_BOLD = frozenset({"b", "strong"})
_INLINE = frozenset({"a", "abbr", "code", "em", "font", "i", "img", "kbd", "mark", "small", "span", "sub", "sup", "u"})
_UNSEEN = frozenset({"button", "noscript", "script", "style", "svg", "template", "title"})
_OPENING = 2000


def is_html(text: str) -> bool:
    """Tell whether a text is a page of HTML, whatever the server calls it.

    >>> is_html("\\n<!DOCTYPE html>"), is_html("# Heading")
    (True, False)
    """
    opening = text[:_OPENING].lstrip().lower()
    return opening.startswith(("<!", "<html", "<head", "<body", "<?xml")) or "<html" in opening


def lines_of_html(text: str) -> list[str]:
    """Return the lines that a reader of the page sees, headings after a #, and bold lines between **."""
    reader = _Reader()
    reader.feed(text)
    reader.close()
    return "".join(reader.parts).splitlines()


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.parts: list[str] = []
        self._unseen: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in _UNSEEN:
            self._unseen.append(tag)
        if tag in _HEADINGS:
            self.parts.append("\n# ")
        elif tag in _BOLD:
            self.parts.append("**")
        elif tag == "a":
            self.parts.append(f"\n{dict(attrs).get('href') or ''}\n" if _leads_to_endpoint(attrs) else "")
        elif tag not in _INLINE:
            self.parts.append("\n")

    def handle_endtag(self, tag: str) -> None:
        if tag in self._unseen:
            del self._unseen[self._unseen.index(tag) :]
        if tag in _BOLD:
            self.parts.append("**")
        elif tag not in _INLINE:
            self.parts.append("\n")

    def handle_data(self, data: str) -> None:
        if not self._unseen:
            self.parts.append(" ".join(data.split("\n")))


def _leads_to_endpoint(attrs: list[tuple[str, str | None]]) -> bool:
    return (dict(attrs).get("href") or "").endswith("/meta")
