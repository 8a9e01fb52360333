"""The report of a comparison as a reader meets it: words, sections, and tables cell by cell."""

import html
import re
from html.parser import HTMLParser

from fastapi.testclient import TestClient

Table = list[list[str]]  # rows of cells, in words


def written(client: TestClient, query: str) -> str:
    answer = client.get(f"/compare/report.html?{query}")
    assert answer.status_code == 200, answer.text
    return answer.text


def words(text: str) -> str:
    return " ".join(html.unescape(re.sub(r"<style>.*?</style>|<[^>]+>", " ", text, flags=re.S)).split())


def markup(text: str, name: str) -> str:
    return str(re.findall(rf'<section aria-labelledby="{name}">(.*?)</section>', text, re.S)[0])


def section(text: str, name: str) -> str:
    return words(markup(text, name))


def tables(text: str) -> list[Table]:
    reader = _Tables()
    reader.feed(text)
    return [[[" ".join(cell.split()) for cell in row] for row in table] for table in reader.found]


class _Tables(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: list[Table] = []
        self.is_in_cell = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "table":
            self.found.append([])
        elif tag == "tr":
            self.found[-1].append([])
        elif tag in ("td", "th"):
            self.found[-1][-1].append("")
            self.is_in_cell = True

    def handle_endtag(self, tag: str) -> None:
        self.is_in_cell = self.is_in_cell and tag not in ("td", "th")

    def handle_data(self, data: str) -> None:
        if self.is_in_cell:
            self.found[-1][-1][-1] += data
