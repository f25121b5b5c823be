"""/uploads and /media: sent, shown, fetched."""

import asyncio
import base64
import io

from PIL import Image

from tests.files import ORIENTATION, animation, image_file, photo


async def send(person, content, **query):
    return await person.post("/uploads", content=content, params=query)


def media_url(site, url):
    return site.url.removesuffix("/api/v1") + url


async def fetch(site, url, **headers):
    return await site.anyone.get(media_url(site, url), headers=headers)


async def test_an_image_is_ready_at_once(site, alice):
    answer = await send(alice, image_file(size=(2000, 1000)), name="engine.png", alt="An engine")
    assert answer.status_code == 201
    upload = answer.json()
    assert answer.headers["location"] == f"/api/v1/uploads/{upload['id']}"
    assert upload["state"] == "ready"
    media = upload["media"]
    assert (media["kind"], media["type"], media["name"]) == ("image", "image/jpeg", "engine.png")
    assert (media["width"], media["height"], media["alt"]) == (2000, 1000, "An engine")
    assert len(media["blurhash"]) == 28
    sizes = {v["name"]: (v["width"], v["height"], v["type"]) for v in media["variants"]}
    assert sizes == {
        "original": (2000, 1000, "image/jpeg"),
        "1080": (1080, 540, "image/webp"),
        "320": (320, 160, "image/webp"),
        "avatar": (160, 160, "image/webp"),
    }
    for variant in media["variants"]:
        fetched = await fetch(site, variant["url"])
        assert fetched.headers["content-type"] == variant["type"]
        assert len(fetched.content) == variant["bytes"]
        assert Image.open(io.BytesIO(fetched.content)).size == (variant["width"], variant["height"])
    assert (await alice.get(f"/uploads/{upload['id']}")).json() == upload


async def test_what_a_camera_notes_is_gone_and_the_picture_upright(site, alice):
    sent = photo((640, 480), orientation=6)
    assert Image.open(io.BytesIO(sent)).getexif()[ORIENTATION] == 6
    media = (await send(alice, sent)).json()["media"]
    assert (media["width"], media["height"]) == (480, 640)
    for variant in media["variants"]:
        content = (await fetch(site, variant["url"])).content
        image = Image.open(io.BytesIO(content))
        assert not image.getexif()
        assert not {"exif", "icc_profile", "comment", "xmp"} & image.info.keys()
        assert b"Exif" not in content
        assert b"at home" not in content
        # Turned clockwise: what was above on the left is above on the right.
        red, _, blue = image.convert("RGB").getpixel((image.width - 5, 5))
        assert red > blue + 100
        red, _, blue = image.convert("RGB").getpixel((5, image.height - 5))
        assert abs(red - blue) < 30


async def test_an_animation_stays_one(site, alice):
    for format_ in ("GIF", "WEBP"):
        media = (await send(alice, animation(format_, frames=7))).json()["media"]
        assert [v["name"] for v in media["variants"]] == ["original", "320", "avatar"]
        original = Image.open(io.BytesIO((await fetch(site, media["url"])).content))
        assert (original.format, original.n_frames) == ("WEBP", 7)


async def test_a_name_is_not_believed(site, alice):
    page = b"<!doctype html><script>alert(1)</script>"
    for content, name in ((page, "picture.png"), (b"<svg onload='x'/>", "x.svg")):
        media = (await send(alice, content, name=name)).json()["media"]
        assert (media["kind"], media["type"]) == ("file", "text/plain")
        fetched = await fetch(site, media["url"])
        assert fetched.headers["content-type"] == "text/plain; charset=utf-8"
        assert fetched.headers["content-disposition"] == f"attachment; filename*=UTF-8''{name}"
        assert fetched.headers["x-content-type-options"] == "nosniff"
        assert fetched.headers["content-security-policy"].startswith("sandbox; default-src 'none'")
    assert (await send(alice, image_file("PNG"), name="x.html")).json()["media"]["kind"] == "image"


async def test_what_an_image_hides_is_gone(site, alice):
    for format_ in ("JPEG", "PNG", "GIF"):
        polyglot = image_file(format_) + b"<script>alert(1)</script>PK\x03\x04"
        media = (await send(alice, polyglot)).json()["media"]
        for variant in media["variants"]:
            content = (await fetch(site, variant["url"])).content
            assert b"<script>" not in content
            assert b"PK\x03\x04" not in content


async def test_what_cannot_be_decoded_is_refused_and_leaves_nothing(site, alice):
    whole = image_file("PNG")
    for broken in (
        whole[: len(whole) // 2],
        whole[:50],
        b"\x89PNG\r\n\x1a\n",
        b"GIF89a" + bytes(9),
    ):
        answer = await send(alice, broken)
        assert (answer.status_code, answer.code) == (415, "unsupported_media")
        assert site.url not in answer.text
        assert "/tmp" not in answer.text
    assert (await alice.get("/uploads")).json() == {"items": [], "next_cursor": None}
    assert await site.uploading.objects.paths() == []


async def test_a_file_may_be_larger_than_other_requests(site, alice):
    """limits.request_bytes, 1 MiB, is for what is held in memory."""

    async def pieces():
        for _ in range(80):
            yield bytes(65_536)

    for content in (pieces(), bytes(5 * 2**20)):
        answer = await alice.post("/uploads", content=content)
        assert (answer.status_code, answer.json()["received"]) == (201, 5 * 2**20)


async def test_what_is_too_large_is_refused_before_it_is_read(site, alice):
    """Whoever asks first, with Expect, need not send it."""
    address = site.url.removeprefix("http://").partition("/")[0].split(":")
    reader, writer = await asyncio.open_connection(*address)
    writer.write(
        b"POST /api/v1/uploads HTTP/1.1\r\nHost: x\r\nContent-Length: 900000000\r\n"
        b"Authorization: Bearer " + alice.access_token.encode() + b"\r\n"
        b"Expect: 100-continue\r\n\r\n"
    )
    assert (await reader.readline()).startswith(b"HTTP/1.1 413")
    writer.close()
    await writer.wait_closed()


async def test_an_empty_body_is_no_file(alice):
    answer = await send(alice, b"")
    assert (answer.status_code, answer.code) == (400, "bad_request")
    assert (await alice.get("/uploads")).json()["items"] == []


async def test_an_upload_is_its_owners_alone(alice, bob):
    upload = (await send(alice, b"plain")).json()["id"]
    for method in ("GET", "HEAD", "DELETE"):
        assert (await bob.request(method, f"/uploads/{upload}")).status_code == 404
    assert (await bob.patch(f"/uploads/{upload}", json={"alt": "mine"})).status_code == 404
    assert (await bob.get("/uploads")).json()["items"] == []
    assert (await bob.get("/uploads/1")).json() == (await bob.get(f"/uploads/{upload}")).json()


async def test_an_upload_is_described(alice):
    upload = (await send(alice, b"plain", name="a.txt")).json()["id"]
    changed = await alice.patch(f"/uploads/{upload}", json={"alt": "A letter"})
    assert changed.json()["media"]["alt"] == "A letter"
    assert changed.json()["name"] == "a.txt"
    assert (await alice.patch(f"/uploads/{upload}", json={"alt": "a\x00b"})).status_code == 400
    assert (await alice.patch(f"/uploads/{upload}", json={"alt": "x" * 2000})).status_code == 400
    huge = b'{"alt": "' + b"x" * 100_000 + b'"}'
    answer = await alice.patch(
        f"/uploads/{upload}", content=huge, headers={"content-type": "application/json"}
    )
    assert (answer.status_code, answer.code) == (413, "too_large")


async def test_uploads_are_listed_newest_first(alice):
    sent = [(await send(alice, f"file {n}".encode())).json()["id"] for n in range(5)]
    first = (await alice.get("/uploads", params={"limit": 3})).json()
    rest = (await alice.get("/uploads", params={"cursor": first["next_cursor"]})).json()
    assert [item["id"] for item in first["items"] + rest["items"]] == sent[::-1]
    assert rest["next_cursor"] is None


async def test_deleting_takes_the_upload_away(site, alice):
    media = (await send(alice, b"plain")).json()
    assert (await alice.delete(f"/uploads/{media['id']}")).status_code == 204
    assert (await alice.get(f"/uploads/{media['id']}")).status_code == 404
    async with site.database.connection() as connection:
        key = media["media"]["url"].split("/")[2]
        jobs = await connection.fetch(
            "SELECT payload FROM pgqueuer WHERE entrypoint = 'upload.erase'"
        )
        assert key.encode() in [job["payload"] for job in jobs]
    await site.uploading.conversions.erase(key.encode())
    assert await site.uploading.objects.paths() == []
    assert (await fetch(site, media["media"]["url"])).status_code == 404


async def test_what_something_shows_is_not_deleted(site, alice):
    upload = (await send(alice, b"plain")).json()["id"]
    async with site.database.connection() as connection:
        await connection.execute("INSERT INTO upload_uses VALUES ($1, 'post', 1)", int(upload))
    answer = await alice.delete(f"/uploads/{upload}")
    assert (answer.status_code, answer.code) == (409, "in_use")


async def test_the_protocol_is_described(site):
    answer = await site.anyone.request("OPTIONS", "/uploads")
    assert answer.status_code == 204
    assert answer.headers["tus-version"] == "1.0.0"
    assert "creation-with-upload" in answer.headers["tus-extension"]
    assert int(answer.headers["tus-max-size"]) == 500 * 2**20


async def test_a_file_comes_in_parts(site, alice):
    content = image_file(size=(800, 600))
    metadata = "filename " + base64.b64encode("käfer.jpg".encode()).decode()
    tus = {"Tus-Resumable": "1.0.0"}
    created = await alice.post(
        "/uploads", headers={"Upload-Length": str(len(content)), "Upload-Metadata": metadata, **tus}
    )
    assert (created.status_code, created.headers["upload-offset"]) == (201, "0")
    assert created.json()["state"] == "receiving"
    path = created.headers["location"].removeprefix("/api/v1")
    at, step = 0, len(content) // 3 + 1
    while at < len(content):
        head = await alice.head(path, headers=tus)
        assert head.headers["upload-offset"] == str(at)
        assert head.headers["upload-length"] == str(len(content))
        assert head.headers["cache-control"] == "no-store"
        answer = await part(alice, path, at, content[at : at + step])
        at = min(at + step, len(content))
        assert (answer.status_code, answer.headers["upload-offset"]) == (204, str(at))
        assert answer.headers["tus-resumable"] == "1.0.0"
    upload = (await alice.get(path)).json()
    assert (upload["state"], upload["media"]["name"]) == ("ready", "käfer.jpg")


async def part(person, path, offset, content, **headers):
    headers = {
        "Content-Type": "application/offset+octet-stream",
        "Upload-Offset": str(offset),
        "Tus-Resumable": "1.0.0",
        **headers,
    }
    return await person.patch(path, content=content, headers=headers)


async def begun(person, length, content=b""):
    answer = await person.post("/uploads", content=content, headers={"Upload-Length": str(length)})
    assert answer.status_code == 201, answer.text
    return answer.headers["location"].removeprefix("/api/v1")


async def test_a_part_at_a_wrong_place_is_refused(alice):
    path = await begun(alice, 10, b"0123")
    for wrong in (0, 3, 5, 2**50):
        answer = await part(alice, path, wrong, b"45")
        assert (answer.status_code, answer.code) == (409, "offset_conflict")
        assert answer.headers["upload-offset"] == "4"
    assert (await part(alice, path, 4, b"456789")).status_code == 204
    assert (await alice.get(path)).json()["state"] == "ready"
    assert (await part(alice, path, 4, b"456789")).status_code == 409
    assert (await part(alice, path, 10, b"")).status_code == 204


async def test_parts_are_not_longer_than_declared(alice):
    path = await begun(alice, 5)
    answer = await part(alice, path, 0, b"0123456789")
    assert (answer.status_code, answer.code) == (400, "bad_request")
    assert (await alice.head(path)).headers["upload-offset"] == "0"


async def test_parts_need_their_headers(alice):
    path = await begun(alice, 5)
    answer = await alice.patch(path, content=b"01", headers={"Content-Type": "text/plain"})
    assert (answer.status_code, answer.code) == (415, "unsupported_media")
    kind = {"Content-Type": "application/offset+octet-stream"}
    assert (await alice.patch(path, content=b"01", headers=kind)).status_code == 400
    answer = await part(alice, path, 0, b"01", **{"Tus-Resumable": "0.2.2"})
    assert (answer.status_code, answer.code) == (412, "unsupported_version")
    for broken in (
        {"Upload-Length": "0"},
        {"Upload-Length": "x"},
        {"Upload-Metadata": "filename ä"},
    ):
        raw = {name: value.encode() for name, value in broken.items()}
        assert (await alice.post("/uploads", headers=raw)).status_code == 400


async def test_an_image_in_parts_that_is_broken_says_so(alice):
    content = image_file("PNG")[:200]
    path = await begun(alice, len(content), content[:50])
    assert (await part(alice, path, 50, content[50:])).status_code == 204
    upload = (await alice.get(path)).json()
    assert upload["state"] == "failed"
    assert upload["problem"].startswith("The file begins as a PNG image, but")
