"""What a web page says of itself: Open Graph (https://ogp.me), Twitter cards, plain HTML."""

import codecs
import re
import unicodedata
from collections.abc import Iterable
from urllib.parse import urljoin, urlsplit

from msgspec import Struct
from selectolax.lexbor import LexborHTMLParser

MAX_TITLE = 300
MAX_DESCRIPTION = 1_000
MAX_SITE = 100

_BOMS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_CHARSET = re.compile(r"charset\s*=\s*[\"']?\s*([\w.:-]+)", re.IGNORECASE)
_PRESCANNED = 4096  # bytes; the HTML standard says 1024, pages say it later
_SPACE = re.compile(r"\s+")

_INVISIBLE = {"Cc", "Cf", "Cs", "Co", "Cn"}
_JOINER = "\u200d"  # of emoji, and of letters in many scripts

# In this order: the first that is there.
_TITLES = ("og:title", "twitter:title")
_DESCRIPTIONS = ("og:description", "twitter:description", "description")
_IMAGES = ("og:image:secure_url", "og:image", "og:image:url", "twitter:image", "twitter:image:src")
_SITES = ("og:site_name", "application-name")


class PageFacts(Struct, frozen=True, kw_only=True):
    """What a page says of itself, in plain text. `image`: an absolute address."""

    title: str = ""
    description: str = ""
    site: str = ""
    image: str | None = None


def read_page(body: bytes, content_type: str, url: str) -> PageFacts:
    """Read a page, or its beginning.

    Args:
        content_type: the header.
        url: of the page.
    """
    tree = LexborHTMLParser(decode(body, content_type))
    said: dict[str, str] = {}
    for meta in tree.css("meta[content]"):
        fields = meta.attributes
        # Both are common for both families, whatever their specifications say.
        for name in (fields.get("property"), fields.get("name")):
            if name and fields["content"]:
                said.setdefault(name.strip().lower(), fields["content"])
    title = tree.css_first("head > title") or tree.css_first("title")
    heading = _text(_first(said, _TITLES), MAX_TITLE)
    return PageFacts(
        title=heading or _text(title.text() if title else "", MAX_TITLE),
        description=_text(_first(said, _DESCRIPTIONS), MAX_DESCRIPTION),
        site=_text(_first(said, _SITES), MAX_SITE) or _site_of(tree, url),
        image=_address(_first(said, _IMAGES), url),
    )


def decode(body: bytes, content_type: str) -> str:
    """Decode a page by its byte order mark, its header, what it says itself, or as it looks.

    The order of the HTML standard, 13.2.3.2. What does not fit becomes U+FFFD.
    """
    for bom, encoding in _BOMS:
        if body.startswith(bom):
            return body[len(bom) :].decode(encoding, "replace")
    for said in (content_type, body[:_PRESCANNED].decode("latin-1")):
        found = _CHARSET.search(said)
        known = _encoding(found[1]) if found else None
        if known:
            return body.decode(known, "replace")
    try:
        return body.decode()
    except UnicodeDecodeError as error:
        # One that is cut off in the middle of a character is still UTF-8.
        cut_off = error.start > len(body) - 4
        return body.decode("utf-8" if cut_off else "cp1252", "replace")


def _encoding(label: str) -> str | None:
    try:
        found = codecs.lookup(label)
    except (LookupError, ValueError):
        return None
    # Python has codecs that are not of text, which must not be reached from outside.
    if not getattr(found, "_is_text_encoding", False) or found.name in _NOT_OF_THE_WEB:
        return None
    # As browsers do: what calls itself Latin-1 is Windows' superset of it.
    return "cp1252" if found.name in ("iso8859-1", "ascii") else found.name


# Of text in Python's eyes, and not what a page is written in: slow ones, and escapes.
_NOT_OF_THE_WEB = {
    "idna", "punycode", "raw-unicode-escape", "unicode-escape", "undefined", "mbcs", "oem", "utf-7",
}  # fmt: skip


def _first(said: dict[str, str], names: Iterable[str]) -> str:
    return next((said[name] for name in names if said.get(name, "").strip()), "")


def _text(text: str, limit: int) -> str:
    """One line of visible characters, so long at most."""
    # Cut twice: what is thrown away need not be looked at. Controls may reorder the text around.
    visible = (
        " " if char.isspace() else char
        for char in text[: limit * 4]
        if char.isspace() or char == _JOINER or unicodedata.category(char) not in _INVISIBLE
    )
    line = _SPACE.sub(" ", "".join(visible)).strip()
    return line if len(line) <= limit else line[: limit - 1].rstrip() + "…"


def _site_of(tree: LexborHTMLParser, url: str) -> str:
    """The host of a page, or of the page that it says is the proper one, if that is on its site."""
    host = _host(url)
    canonical = tree.css_first('link[rel~="canonical"][href]')
    if canonical:
        proper = _host(_address(canonical.attributes.get("href") or "", url) or "")
        # A page may say so of its own site alone: `m.example.org` of `example.org`.
        if proper and (host == proper or host.endswith(f".{proper}")) and "." in proper:
            host = proper
    return host.removeprefix("www.")[:MAX_SITE]


def _host(url: str) -> str:
    try:
        return urlsplit(url).hostname or ""
    except ValueError:
        return ""


def _address(said: str, url: str) -> str | None:
    try:
        found = urljoin(url, said.strip()) if said.strip() else ""
        scheme = urlsplit(found).scheme
    except ValueError:
        return None
    return found if scheme in ("http", "https") else None
