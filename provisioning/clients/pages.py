"""What a page says, as far as somebody has to read it who goes through it: heading, links, fields, complaints."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import Final

TOKEN: Final = "csrfmiddlewaretoken"  # noqa: S105 - the name of a field
COMPLAINTS: Final = frozenset({"field-error", "alert-bad"})  # classes of what a page complains about
CHOICES: Final = frozenset({"radio", "checkbox"})


@dataclass(frozen=True)
class Page:
    """A page that was answered: where one came to (`url`, its `path`), and what stands there.

    `links` are addresses by their words; `fields` the names of what can be filled in, with the choices of those that
    have some.
    """

    url: str
    path: str
    status: int
    heading: str
    words: str
    links: Mapping[str, str]
    fields: Mapping[str, frozenset[str]]
    token: str
    complaints: tuple[str, ...]

    def link(self, words: str) -> str:
        """Where the link leads whose words begin so; "" where there is none."""
        return next((address for said, address in self.links.items() if said.startswith(words)), "")


def read(html: str, *, url: str, path: str, status: int) -> Page:
    """The page of that document."""
    reader = _Reader()
    reader.feed(html)
    reader.close()
    return Page(
        url=url,
        path=path,
        status=status,
        heading=next(iter(reader.found["h1"]), ""),
        words=" ".join(" ".join(reader.said).split()),
        links=dict(reader.links),
        fields={name: frozenset(choices) for name, choices in reader.fields.items()},
        token=reader.token,
        complaints=tuple(reader.found["complaint"]),
    )


@dataclass
class _Heard:
    """An element whose words are listened to, until its end: `depth` elements of its kind are open."""

    tag: str
    what: str
    href: str = ""
    depth: int = 1
    said: list[str] = field(default_factory=list)

    @property
    def words(self) -> str:
        return " ".join(" ".join(self.said).split())


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: dict[str, list[str]] = {"h1": [], "complaint": []}
        self.links: list[tuple[str, str]] = []
        self.fields: dict[str, set[str]] = {}
        self.said: list[str] = []
        self.token = ""
        self._heard: list[_Heard] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        own = {name: value or "" for name, value in attrs}
        for heard in self._heard:
            heard.depth += heard.tag == tag
        self._heard += _listened(tag, own)
        if tag in {"input", "select", "textarea"} and (name := own.get("name")):
            self._note_field(name, own)

    def handle_endtag(self, tag: str) -> None:
        for heard in [heard for heard in self._heard if heard.tag == tag]:
            heard.depth -= 1
            if heard.depth == 0:
                self._heard.remove(heard)
                self._end(heard)

    def handle_data(self, data: str) -> None:
        self.said.append(data)
        for heard in self._heard:
            heard.said.append(data)

    def _note_field(self, name: str, own: Mapping[str, str]) -> None:
        if name == TOKEN:
            self.token = own.get("value", "")
            return
        choices = self.fields.setdefault(name, set())
        if own.get("type") in CHOICES:
            choices.add(own.get("value", "on"))

    def _end(self, heard: _Heard) -> None:
        if heard.what == "a":
            self.links.append((heard.words, heard.href))
        elif heard.words:
            self.found[heard.what].append(heard.words)


def _listened(tag: str, own: Mapping[str, str]) -> Iterator[_Heard]:
    if tag == "a" and "href" in own:
        yield _Heard(tag, "a", own["href"])
    if tag == "h1":
        yield _Heard(tag, "h1")
    if COMPLAINTS & set(own.get("class", "").split()):
        yield _Heard(tag, "complaint")
