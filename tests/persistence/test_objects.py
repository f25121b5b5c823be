"""The object store: a folder, memory and a bucket behave alike."""

import os
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from persistence.objects import NoSuchObject, Objects, ObjectStoreError
from protocol.errors import PlazaError
from tests.persistence.bucket import Bucket, serving_bucket

Store = tuple[Objects, Bucket | None]


@pytest.fixture(params=["folder", "memory", "s3"])
async def store(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Store]:
    if request.param == "s3":
        async with serving_bucket() as (endpoint, bucket):
            for name, value in {
                "AWS_ENDPOINT": endpoint,
                "AWS_ALLOW_HTTP": "true",
                "AWS_ACCESS_KEY_ID": "key",
                "AWS_SECRET_ACCESS_KEY": "secret",
                "AWS_REGION": "eu-central-1",
            }.items():
                monkeypatch.setenv(name, value)
            yield Objects.open("s3://bucket/plaza", tmp_path), bucket
    else:
        url = "memory:///" if request.param == "memory" else ""
        yield Objects.open(url, tmp_path / "objects"), None


async def content_of(objects: Objects, path: str, start: int, stop: int) -> bytes:
    return b"".join([piece async for piece in await objects.read(path, start, stop)])


async def test_what_is_put_can_be_read(store: Store, tmp_path: Path) -> None:
    objects, bucket = store
    content = os.urandom(1_000_000)
    await objects.put("media/k/original", content)
    assert await content_of(objects, "media/k/original", 0, len(content)) == content
    assert await content_of(objects, "media/k/original", 5, 17) == content[5:17]
    await objects.fetch("media/k/original", tmp_path / "copy")
    assert (tmp_path / "copy").read_bytes() == content
    if bucket is not None:
        assert list(bucket.objects) == ["plaza/media/k/original"]
        assert objects.is_shared


async def test_a_large_file_goes_in_parts(store: Store, tmp_path: Path) -> None:
    objects, bucket = store
    content = os.urandom(20 * 2**20)
    (tmp_path / "large").write_bytes(content)
    await objects.put("media/k/original", tmp_path / "large")
    pieces = [piece async for piece in await objects.read("media/k/original", 0, len(content))]
    assert b"".join(pieces) == content
    if bucket is not None:
        assert max(map(len, pieces)) < 2**20
        assert sum(request.startswith("PUT") for request in bucket.requests) == 3


async def test_what_is_not_there(store: Store, tmp_path: Path) -> None:
    objects, _ = store
    with pytest.raises(NoSuchObject):
        await objects.read("media/k/original", 0, 1)
    with pytest.raises(NoSuchObject):
        await objects.fetch("media/k/original", tmp_path / "copy")
    await objects.delete("media/k/original")
    assert await objects.paths("media") == []


async def test_all_below_a_path_is_deleted(store: Store) -> None:
    objects, _ = store
    for path in ("media/a/original", "media/a/320", "media/b/original"):
        await objects.put(path, b"x")
    assert sorted(await objects.paths("media/a")) == ["media/a/320", "media/a/original"]
    assert await objects.delete_below("media/a") == 2
    assert await objects.paths() == ["media/b/original"]


async def test_a_folder_is_made_when_it_is_needed(tmp_path: Path) -> None:
    objects = Objects.open("", tmp_path / "objects")
    assert not (tmp_path / "objects").exists()
    await objects.put("media/a/original", b"x")
    await objects.delete_below("media/a")
    assert list((tmp_path / "objects").iterdir()) == []  # nor do empty folders stay
    assert not objects.is_shared


async def test_a_store_that_is_away_is_unavailable(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    objects, bucket = store
    if bucket is None:
        return
    bucket.down = True
    with pytest.raises(PlazaError) as caught:
        await objects.put("media/a/original", b"x")
    assert caught.value.spec.code == "unavailable"
    with pytest.raises(PlazaError):
        await objects.read("media/a/original", 0, 1)


@pytest.mark.parametrize("url", ["nonsense", "zz://x", "s3://", "s3:/x"])
def test_an_url_that_names_no_store(url: str, tmp_path: Path) -> None:
    with pytest.raises(ObjectStoreError, match="names no store") as caught:
        Objects.open(url, tmp_path)
    assert "\n" not in str(caught.value)
