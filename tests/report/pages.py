"""What tests of pages share: a parser that checks them, and the completions that they hold."""

import json
import re
from html.parser import HTMLParser


class Page(HTMLParser):
    """Collects tags, texts and what they refer to, and checks that they are closed in order."""

    VOID = frozenset({"meta", "img", "br", "link", "input"})

    def __init__(self, text):
        super().__init__()
        self.source, self.tags, self.references, self.open, self.words = text, [], [], [], []
        self.feed(text)
        assert not self.open

    def handle_starttag(self, tag, attributes):
        self.tags.append(tag)
        names = ("src", "href", "srcset", "xlink:href", "action", "poster")
        self.references += [value for name, value in attributes if name in names and not value.startswith("#")]
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attributes):
        self.handle_starttag(tag, attributes)
        if tag not in self.VOID:
            self.handle_endtag(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if data.strip() and not {"script", "style"} & set(self.open):
            self.words.append(data.strip())

    def cells(self, row: str) -> list[str]:
        """The texts of a table row that begins with `row`."""
        found = re.search(rf"<tr><td>{re.escape(row)}</td>(.*?)</tr>", self.source, re.DOTALL)
        return re.findall(r"<td>(.*?)</td>", found.group(1))

    def fetches(self) -> list[str]:
        """What a browser would load from elsewhere."""
        tags = {"link", "iframe", "object", "video", "audio", "embed", "base"} & set(self.tags)
        addresses = [address for address in self.references if not address.startswith("data:")]
        calls = re.findall(r"@import|url\((?!#)|fetch\(|XMLHttpRequest|import\(|WebSocket|sendBeacon", self.source)
        return [*tags, *addresses, *calls]


def shown_data(text: str) -> dict:
    """The completions in a page."""
    found = re.search(r'<script type="application/json" id="completions-data">(.*?)</script>', text, re.DOTALL)
    return json.loads(found.group(1))
