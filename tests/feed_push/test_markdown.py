"""Markdown to HTML: what becomes what, and that nothing else ever comes out."""

from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st

from feed_push.markdown import ATTRIBUTES, RELATION, SCHEMES, TAGS, render


def link(address: str, text: str | None = None) -> str:
    return f'<a href="{address}" rel="{RELATION}">{text or address}</a>'


@pytest.mark.parametrize(
    ("text", "html"),
    [
        ("", ""),
        ("one\ntwo", "<p>one<br>\ntwo</p>"),
        ("one\n\ntwo", "<p>one</p>\n<p>two</p>"),
        (
            "*a* **b** ~~c~~ `d<e`",
            "<p><em>a</em> <strong>b</strong> <s>c</s> <code>d&lt;e</code></p>",
        ),
        ("snake_case_name", "<p>snake_case_name</p>"),
        ("> said", "<blockquote>\n<p>said</p>\n</blockquote>"),
        ("* a\n* b", "<ul>\n<li>a</li>\n<li>b</li>\n</ul>"),
        ("1815. born", '<ol start="1815">\n<li>born</li>\n</ol>'),
        ("[a](https://example.org)", f"<p>{link('https://example.org', 'a')}</p>"),
        ("[a](mailto:a@example.org)", f"<p>{link('mailto:a@example.org', 'a')}</p>"),
        ("<https://example.org>", f"<p>{link('https://example.org')}</p>"),
    ],
)
def test_what_becomes_html(text: str, html: str) -> None:
    assert render(text) == html


@pytest.mark.parametrize(
    "text",
    [
        "# 1 fan",
        "#looms",
        "[a](javascript:alert(1))",
        "[a](JaVaScRiPt:alert(1))",
        "[a](data:text/html;base64,PHNjcmlwdD4=)",
        "[a](/relative)",
        "[a](//example.org)",
        "[a](ftp://example.org)",
    ],
)
def test_what_stays_text(text: str) -> None:
    assert render(text) == f"<p>{text}</p>"


def test_html_is_text() -> None:
    assert render("<b onclick=x>no</b>") == "<p>&lt;b onclick=x&gt;no&lt;/b&gt;</p>"
    assert "<script" not in render("<script>alert(1)</script>")
    assert "<img" not in render("![a](https://example.org/a.png)")


@pytest.mark.parametrize(
    ("text", "html"),
    [
        ("At https://example.org/a_b_c?d=1.", f"At {link('https://example.org/a_b_c?d=1')}."),
        ("(https://example.org/)", f"({link('https://example.org/')})"),
        ("**https://example.org**", f"<strong>{link('https://example.org')}</strong>"),
        ("`https://example.org`", "<code>https://example.org</code>"),
        ("shttps://example.org", "shttps://example.org"),
        ("[https://a.example](https://b.example)", link("https://b.example", "https://a.example")),
    ],
)
def test_addresses_become_links(text: str, html: str) -> None:
    assert render(text) == f"<p>{html}</p>"


class Seen(HTMLParser):
    """Every tag with its attributes, as a browser would read them."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.others: list[str] = []
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_comment(self, data: str) -> None:
        self.others.append(data)

    handle_decl = handle_pi = unknown_decl = handle_comment


PIECES = [
    *(
        "<",
        ">",
        "[",
        "]",
        "(",
        ")",
        "![",
        "](",
        "`",
        "*",
        "_",
        "~~",
        "\n",
        "\n\n",
        "> ",
        "* ",
        "1. ",
    ),
    *(
        "javascript:",
        "JAVASCRIPT:",
        "java\tscript:",
        "data:text/html,",
        "vbscript:",
        "//",
        "https://",
    ),
    *("mailto:", "<script>", "</script>", "<img src=x onerror=alert(1)>", "<a href=", "onclick=x"),
    *(
        "&#106;",
        "&lt;",
        "&colon;",
        '"',
        "'",
        "\\",
        "<!--",
        "-->",
        "<![CDATA[",
        "<?x",
        "\x00",
        "a",
        " ",
    ),
]


@given(st.one_of(st.lists(st.sampled_from(PIECES)).map("".join), st.text()))
def test_nothing_else_comes_out(text: str) -> None:
    seen = Seen(render(text))
    assert not seen.others
    for tag, attributes in seen.tags:
        assert tag in TAGS
        assert attributes.keys() <= ATTRIBUTES.get(tag, set())
        if tag == "a":
            assert attributes["rel"] == RELATION
            # Without one it leads nowhere: an address that nobody can read as one.
            scheme = (attributes.get("href") or "https:").partition(":")[0]
            assert scheme.lower() in SCHEMES


def test_what_is_nested_deeply_is_quick() -> None:
    for piece in ("> ", "* ", "[", "![", "**", "`", "<", "](", "_a"):
        assert len(render(piece * (1_000 // len(piece)))) < 20_000
