"""What pages say of themselves."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.page_reader import MAX_DESCRIPTION, MAX_SITE, MAX_TITLE, PageFacts, decode, read_page

URL = "https://www.example.org/a/b?c"


def read(html: str | bytes, content_type: str = "text/html", url: str = URL) -> PageFacts:
    return read_page(html.encode() if isinstance(html, str) else html, content_type, url)


def test_open_graph_wins() -> None:
    page = """<html><head><title>Plain</title>
        <meta name="description" content="Plain description">
        <meta name="twitter:title" content="Tweet">
        <meta property="og:title" content="Graph &amp; co">
        <meta property="og:description" content="Described">
        <meta property="og:site_name" content="The Example">
        <meta property="og:image" content="/pic.png">
        <meta property="og:image" content="/second.png"></head>"""
    assert read(page) == PageFacts(
        title="Graph & co",
        description="Described",
        site="The Example",
        image="https://www.example.org/pic.png",
    )


def test_twitter_cards_and_swapped_attributes() -> None:
    page = """<meta name="og:title" content="Named"><meta property="twitter:image"
        content="//cdn.example.org/t.jpg"><meta name="Twitter:Description" content="Bird">"""
    found = read(page)
    assert (found.title, found.description) == ("Named", "Bird")
    assert found.image == "https://cdn.example.org/t.jpg"


def test_plain_html() -> None:
    page = """<title> A
        title </title><meta name=DESCRIPTION content='What it is'><svg><title>No</title></svg>"""
    assert read(page) == PageFacts(title="A title", description="What it is", site="example.org")


def test_an_empty_heading_does_not_count() -> None:
    page = '<meta property="og:title" content=" "><meta property="og:title"><title>Real</title>'
    assert read(page).title == "Real"


@pytest.mark.parametrize(
    ("canonical", "url", "site"),
    [
        ("https://example.org/a", "https://m.example.org/a", "example.org"),
        ("https://bank.example/a", "https://evil.example/a", "evil.example"),
        ("https://org/", "https://example.org/", "example.org"),
        ("http://[", "https://example.org/", "example.org"),
        ("", "https://example.org/", "example.org"),
    ],
)
def test_the_site_is_the_host_unless_the_page_names_a_proper_one_of_its_own(
    canonical: str, url: str, site: str
) -> None:
    assert read(f'<link rel="canonical" href="{canonical}">', url=url).site == site


@pytest.mark.parametrize(
    "address",
    ["javascript:alert(1)", "data:image/png;base64,AAAA", "ftp://a/b.png", "http://[", " "],
)
def test_what_is_no_address_of_a_picture(address: str) -> None:
    assert read(f'<meta property="og:image" content="{address}">').image is None


@pytest.mark.parametrize(
    ("body", "content_type", "title"),
    [
        ("<title>Grüße</title>".encode(), "text/html", "Grüße"),
        ("<title>Grüße</title>".encode("cp1252"), "text/html; charset=ISO-8859-1", "Grüße"),
        ("<title>“Grüße”</title>".encode("cp1252"), "text/html; Charset='latin1'", "“Grüße”"),
        ("<title>Grüße</title>".encode("cp1252"), "text/html", "Grüße"),
        ('<meta charset="shift_jis"><title>挨拶</title>'.encode("shift_jis"), "text/html", "挨拶"),
        (
            '<meta http-equiv="Content-Type" content="text/html; charset=koi8-r">'
            "<title>Привет</title>".encode("koi8-r"),
            "text/html",
            "Привет",
        ),
        ("\ufeff<title>挨拶</title>".encode("utf-16-le"), "text/html; charset=utf-8", "挨拶"),
        ("\ufeff<title>挨拶</title>".encode("utf-16-be"), "text/html", "挨拶"),
        ("\ufeff<title>挨拶</title>".encode(), "text/html; charset=koi8-r", "挨拶"),
        ("<title>Grüße</title>".encode(), "text/html; charset=nonsense", "Grüße"),
        ("<title>Grüße</title>".encode(), "text/html; charset=zip", "Grüße"),
        ("<title>Grüße</title>".encode(), "text/html; charset=unicode_escape", "Grüße"),
        ("<title>Gr\u00fc</title>é".encode()[:-1], "text/html", "Grü"),
    ],
)
def test_charsets(body: bytes, content_type: str, title: str) -> None:
    assert read(body, content_type).title == title


def test_texts_are_one_line_of_visible_characters() -> None:
    page = "<title>a\u202eb\u0000c\u2066d\ne\u00a0f\u200bg \ue000h</title>"
    assert read(page).title == "ab\ufffdcd e fg h"
    assert read("<title>\U0001f469\u200d\U0001f52c</title>").title == "\U0001f469\u200d\U0001f52c"


def test_texts_are_cut_off() -> None:
    long = "word " * 10_000
    page = f"""<title>{long}</title><meta name="description" content="{long}">
        <meta property="og:site_name" content="{long}">"""
    found = read(page)
    assert found.title.endswith("word…")
    assert len(found.title) <= MAX_TITLE
    assert len(found.description) <= MAX_DESCRIPTION
    assert len(found.site) <= MAX_SITE


@given(
    st.binary(max_size=500),
    st.text(max_size=40),
    st.sampled_from(["", "<title>", '<meta property="og:image" content="', "<link rel=canonical "]),
)
def test_whatever_comes_is_read(body: bytes, content_type: str, before: str) -> None:
    found = read_page(before.encode() + body, content_type, URL)
    for text in (found.title, found.description, found.site):
        text.encode()
        assert "\0" not in text
    assert isinstance(decode(body, content_type), str)
