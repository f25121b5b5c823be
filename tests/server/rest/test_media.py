"""/media: how what was uploaded is served."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from persistence import previews
from server.rest.ranges import Span, Unsatisfiable, span_of
from tests.files import image_file

CONTENT = bytes(range(256)) * 40  # of no known kind: served as it is


@pytest.fixture
async def url(site, alice):
    answer = await alice.post("/uploads", content=CONTENT, params={"name": "a b\u20ac.bin"})
    return site.url.removesuffix("/api/v1") + answer.json()["media"]["url"]


async def get(site, url, **headers):
    headers = {name.replace("_", "-"): value for name, value in headers.items()}
    return await site.anyone.get(url, headers=headers)


async def test_it_is_cached_for_good_and_does_nothing(site, url):
    answer = await get(site, url)
    assert answer.status_code == 200
    assert answer.content == CONTENT
    assert answer.headers["content-length"] == str(len(CONTENT))
    assert answer.headers["cache-control"] == "public, max-age=31536000, immutable"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["accept-ranges"] == "bytes"
    assert answer.headers["cross-origin-resource-policy"] == "cross-origin"
    policy = answer.headers["content-security-policy"].split("; ")
    assert policy[:2] == ["sandbox", "default-src 'none'"]
    assert answer.headers["content-type"] == "application/octet-stream"
    assert (
        answer.headers["content-disposition"] == "attachment; filename*=UTF-8''a%20b%E2%82%AC.bin"
    )


async def test_an_image_is_shown_and_not_saved(site, alice):
    media = (await alice.post("/uploads", content=image_file())).json()["media"]
    answer = await get(site, site.url.removesuffix("/api/v1") + media["url"])
    assert "content-disposition" not in answer.headers
    assert answer.headers["content-type"] == "image/jpeg"


async def test_head_says_the_same_without_content(site, url):
    whole = await get(site, url)
    for headers in ({}, {"Range": "bytes=0-3"}):
        answer = await site.anyone.head(url, headers=headers)
        assert answer.status_code == 200
        assert answer.content == b""
        del answer.headers["date"]
        assert {**whole.headers, **answer.headers} == dict(whole.headers)


async def test_who_has_it_gets_nothing(site, url):
    tag = (await get(site, url)).headers["etag"]
    assert not tag.startswith("W/")
    for asked in (tag, f'"other", {tag}', "*", f"W/{tag}"):
        answer = await get(site, url, if_none_match=asked)
        assert (answer.status_code, answer.content) == (304, b"")
        assert answer.headers["etag"] == tag
    assert (await get(site, url, if_none_match='"other"')).status_code == 200


@pytest.mark.parametrize(
    ("asked", "start", "stop"),
    [
        ("bytes=0-0", 0, 1),
        ("bytes=100-199", 100, 200),
        ("bytes=10000-", 10_000, len(CONTENT)),
        ("bytes=-5", len(CONTENT) - 5, len(CONTENT)),
        ("bytes=-99999", 0, len(CONTENT)),
        ("bytes=10-999999", 10, len(CONTENT)),
    ],
)
async def test_parts(site, url, asked, start, stop):
    answer = await get(site, url, range=asked)
    assert answer.status_code == 206
    assert answer.content == CONTENT[start:stop]
    assert answer.headers["content-range"] == f"bytes {start}-{stop - 1}/{len(CONTENT)}"
    assert answer.headers["content-length"] == str(stop - start)


@pytest.mark.parametrize("asked", [f"bytes={len(CONTENT)}-", "bytes=-0", "bytes=999999-1000000"])
async def test_parts_that_are_not_there(site, url, asked):
    answer = await get(site, url, range=asked)
    assert (answer.status_code, answer.code) == (416, "range_not_satisfiable")
    assert answer.headers["content-range"] == f"bytes */{len(CONTENT)}"


@pytest.mark.parametrize(
    "asked", ["bytes=5-3", "bytes=a-b", "items=0-1", "bytes=0-1,3-4", "bytes=", "x", "bytes=-"]
)
async def test_what_is_malformed_or_manifold_gets_all(site, url, asked):
    answer = await get(site, url, range=asked)
    assert (answer.status_code, answer.content) == (200, CONTENT)


async def test_a_part_of_something_else_is_not_continued(site, url):
    tag = (await get(site, url)).headers["etag"]
    assert (await get(site, url, range="bytes=5-", if_range=tag)).status_code == 206
    for other in ('"other"', f"W/{tag}", "Wed, 21 Oct 2015 07:28:00 GMT"):
        assert (await get(site, url, range="bytes=5-", if_range=other)).status_code == 200


async def test_what_is_not_there_is_not_found(site, url):
    folder = url.rpartition("/")[0]
    for wrong in (
        *(
            f"{folder}/320",
            f"{folder}/..",
            f"{folder}/a%2Fb",
            f"{folder}/%00",
            f"{folder}x/original",
        ),
        *(f"{folder}/%C3%A4", f"{folder}/original/more", f"{folder}/"),
    ):
        answer = await get(site, wrong)
        assert (answer.status_code, answer.code) == (404, "not_found"), wrong


async def test_the_picture_of_a_page_is_served(site):
    kept = await site.uploading.pictures.keep(image_file("PNG", (2000, 1000)))
    assert (kept.name, kept.width, kept.height) == ("1080", 1080, 540)
    async with site.database.transaction() as connection:
        await previews.claim(connection, "https://example.org/")
        await previews.store(
            *(connection, "https://example.org/"),
            title="",
            description="",
            site="",
            image=kept,
        )
    answer = await get(site, f"{site.url.removesuffix('/api/v1')}/media/{kept.key}/{kept.name}")
    assert answer.headers["content-type"] == "image/webp"
    assert len(answer.content) == kept.bytes
    for broken in (b"<html>", image_file("PNG")[:100]):
        assert await site.uploading.pictures.keep(broken) is None


@given(
    st.integers(1, 50),
    st.one_of(
        st.builds("bytes={}-{}".format, st.integers(0, 60), st.integers(0, 60) | st.just("")),
        st.builds("bytes=-{}".format, st.integers(0, 60)),
        st.text(max_size=12),
    ),
)
def test_a_span_is_within_the_resource(size, header):
    try:
        span = span_of(header, size)
    except Unsatisfiable:
        first = header.removeprefix("bytes=").partition("-")[0]
        assert header == "bytes=-0" or int(first) >= size
        return
    if span is not None:
        assert 0 <= span.start < span.stop <= size
        assert isinstance(span, Span)
