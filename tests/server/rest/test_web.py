"""server/rest/web.py."""

import gzip
import tomllib
from pathlib import Path

import httpx
import pytest
from litestar import Litestar

from server.listener import bind, listening, url_of
from server.rest.errors import HANDLERS
from server.rest.web import FOLDER, MEDIA_TYPES, POLICY, read_folder, web_files

PAGE = "<!doctype html><title>Plaza</title>" + "<p>Hello.</p>" * 50
SCRIPT = "export const answer = 42;\n" * 40


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    web = tmp_path / "web"
    (web / "app" / "parts").mkdir(parents=True)
    (web / "index.html").write_text(PAGE)
    (web / "app" / "main.js").write_text(SCRIPT)
    (web / "app" / "parts" / "small.css").write_text("p{}")
    (web / "app" / "logo.svg").write_text("<svg xmlns='http://www.w3.org/2000/svg'/>")
    (web / "live").mkdir()
    for name in ("index", "watch", "new"):
        (web / "live" / f"{name}.html").write_text(f"{PAGE}<!-- {name} -->")
    (web / "live" / "watch.js").write_text(SCRIPT)
    (web / "__init__.py").write_text("secret = 1")
    (web / "README.md").write_text("# For developers")
    (tmp_path / "outside.js").write_text("secret")
    (web / "link.js").symlink_to(tmp_path / "outside.js")
    return web


@pytest.fixture
async def browser(folder: Path):
    app = Litestar([web_files(folder)], exception_handlers=HANDLERS, openapi_config=None)
    with bind("127.0.0.1", 0) as bound:
        async with (
            listening(app, bound),
            httpx.AsyncClient(
                base_url=url_of(bound), headers={"Accept-Encoding": "gzip"}
            ) as client,
        ):
            yield client


async def test_the_page_comes_with_its_policy(browser):
    answer = await browser.get("/")
    assert (answer.status_code, answer.text) == (200, PAGE)
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert answer.headers["content-security-policy"] == POLICY
    assert answer.headers["cross-origin-opener-policy"] == "same-origin"
    assert "camera=()" in answer.headers["permissions-policy"]


@pytest.mark.parametrize(
    ("path", "name"),
    [("/live", "index"), ("/live/", "index"), ("/live/new", "new"), ("/live/118", "watch")],
)
async def test_the_pages_of_live_streams(browser, path: str, name: str):
    answer = await browser.get(path)
    assert (answer.status_code, answer.text) == (200, f"{PAGE}<!-- {name} -->")
    assert answer.headers["content-security-policy"] == POLICY
    camera = "camera=(self)" if name == "new" else "camera=()"
    assert camera in answer.headers["permissions-policy"]
    assert (
        await browser.get(path, headers={"If-None-Match": answer.headers["etag"]})
    ).status_code == 304


async def test_what_the_pages_of_live_streams_consist_of(browser):
    assert (await browser.get("/live/watch.js")).text == SCRIPT
    assert (await browser.get("/live/118/more")).status_code == 404


def test_the_policy_allows_nothing_inline_and_nobody_else():
    assert "unsafe" not in POLICY
    assert {"default-src 'none'", "script-src 'self'", "frame-ancestors 'none'"} <= set(
        POLICY.split("; ")
    )
    sources = [part.split()[1:] for part in POLICY.split("; ")]
    assert not [source for part in sources for source in part if "//" in source or source == "*"]


@pytest.mark.parametrize(
    ("path", "media_type"),
    [
        ("/app/main.js", "text/javascript; charset=utf-8"),
        ("/app/parts/small.css", "text/css; charset=utf-8"),
        ("/app/logo.svg", "image/svg+xml"),
    ],
)
async def test_files_are_found_at_their_paths(browser, folder, path, media_type):
    answer = await browser.get(path)
    assert answer.status_code == 200
    assert answer.content == (folder / path[1:]).read_bytes()
    assert answer.headers["content-type"] == media_type
    assert answer.headers["cache-control"] == "no-cache"


@pytest.mark.parametrize("path", ["/", "/app/main.js", "/app/parts/small.css", "/app/logo.svg"])
async def test_a_browser_that_has_it_is_told_so(browser, path):
    first = await browser.get(path)
    again = await browser.get(path, headers={"If-None-Match": first.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    assert again.headers["etag"] == first.headers["etag"]
    assert again.headers["cache-control"] == "no-cache"


async def test_tags_are_compared_weakly_and_in_lists(browser):
    first = await browser.get("/app/main.js")
    weakly = f'"other", W/{first.headers["etag"]}'
    assert (await browser.get("/", headers={"If-None-Match": weakly})).status_code == 200
    weak = await browser.get("/app/main.js", headers={"If-None-Match": weakly})
    assert weak.status_code == 304


async def test_the_tag_changes_with_the_content(folder):
    before = read_folder(folder)["/app/main.js"].tag
    (folder / "app" / "main.js").write_text(SCRIPT + "// more")
    assert read_folder(folder)["/app/main.js"].tag != before


@pytest.mark.parametrize(
    ("accepted", "packed"),
    [("gzip, br", True), ("br;q=1.0, gzip;q=0.8", True), ("gzip;q=0", False), ("br", False)],
)
async def test_files_are_compressed_for_those_who_like_it(browser, accepted, packed):
    async with browser.stream(
        "GET", "/app/main.js", headers={"Accept-Encoding": accepted}
    ) as answer:
        raw = b"".join([chunk async for chunk in answer.aiter_raw()])
    assert (answer.headers.get("content-encoding") == "gzip") is packed
    assert (gzip.decompress(raw) if packed else raw).decode() == SCRIPT
    assert answer.headers["vary"] == "Accept-Encoding"
    assert answer.headers["etag"].endswith('-gzip"') is packed


async def test_what_does_not_shrink_is_sent_as_it_is(browser):
    answer = await browser.get("/app/parts/small.css")
    assert "content-encoding" not in answer.headers


async def test_head_has_the_same_headers_and_no_body(browser):
    whole, head = await browser.get("/app/main.js"), await browser.head("/app/main.js")
    assert (head.status_code, head.content) == (200, b"")
    for name in ("content-type", "content-length", "etag", "cache-control"):
        assert head.headers[name] == whole.headers[name]


@pytest.mark.parametrize(
    "path",
    [
        "/index.html",  # has one address: /
        "/__init__.py",
        "/README.md",
        "/link.js",
        "/app",
        "/app/",
        "/app/none.js",
        "/app/../__init__.py",
        "/app/%2e%2e/%2e%2e/outside.js",
        "/..%2foutside.js",
        "//etc/passwd",
        "/app/main.js%00",
    ],
)
async def test_nothing_else_is_there(browser, path):
    # httpx would tidy the path up.
    request = browser.build_request("GET", "/")
    request.url = httpx.URL(browser.base_url, raw_path=path.encode())
    answer = await browser.send(request)
    assert answer.status_code == 404
    assert answer.json()["error"]["code"] == "not_found"


async def test_files_are_not_written_to(browser):
    answer = await browser.post("/app/main.js")
    assert answer.status_code == 405
    assert answer.json()["error"]["code"] == "method_not_allowed"


async def test_the_application_serves_the_client(site):
    root = site.url.removesuffix("/api/v1")
    page = await site.anyone.get(f"{root}/")
    assert page.status_code == 200
    assert page.headers["content-security-policy"] == POLICY
    assert page.headers["x-content-type-options"] == "nosniff"
    assert page.headers["cache-control"] == "no-cache"
    sdk = await site.anyone.get(f"{root}/sdk/plaza.js")
    assert sdk.headers["content-type"] == "text/javascript; charset=utf-8"


def test_the_wheel_has_every_file_that_is_served():
    project = tomllib.loads((FOLDER.parent / "pyproject.toml").read_text())
    patterns = project["tool"]["setuptools"]["package-data"]["web"]
    packed = {path for pattern in patterns for path in FOLDER.glob(pattern)}
    served = {path for path in FOLDER.rglob("*") if path.suffix in MEDIA_TYPES}
    assert packed == served


def test_no_file_hides_another_route():
    taken = ("/api", "/ws", "/healthz", "/readyz", "/metrics", "/whip", "/whep")
    assert not [path for path in read_folder(FOLDER) if path.startswith(taken)]
