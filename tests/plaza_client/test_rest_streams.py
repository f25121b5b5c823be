"""plaza_client/rest_streams.py against the real server."""

from collections.abc import AsyncIterator

import pytest

from persistence.embedded import EmbeddedPostgres
from plaza_client import PlazaRefused, Rest, Role, StreamState, Visibility
from server.config import Config
from server.sections import Media
from tests.e2e.site import Site, copy_of, serving
from tests.files import image_file


@pytest.fixture(scope="module")
async def site(postgres: EmbeddedPostgres, template: str) -> AsyncIterator[Site]:
    config = Config(media=Media(port=0))
    async with copy_of(template, postgres) as dsn, serving(dsn, config) as served:
        yield served


async def test_streams_from_their_making_to_their_deletion(site: Site) -> None:
    ada, bob = await site.people("ada", "bob")
    async with (
        Rest(site.url, access_token=ada.token) as own,
        Rest(site.url, access_token=bob.token) as others,
        Rest(site.url) as anyone,
    ):
        made = await own.create_stream("Weaving", category="Crafts", key="one")
        again = await own.create_stream("Weaving", category="Crafts", key="one")
        assert again.id == made.id
        assert again.stream_key != made.stream_key
        assert made.publish_url == f"/whip/{made.id}"
        renewed = await own.rotate_stream_key(made.id)
        assert renewed.publish_url == made.publish_url
        assert renewed.stream_key not in (made.stream_key, again.stream_key)
        (room,) = await own.rooms()
        assert (room.id, room.title, room.role) == (made.room, "Weaving", Role.OWNER)

        assert (await anyone.stream(made.id)).title == "Weaving"
        picture = await own.upload(image_file(), name="loom.png")
        changed = await own.change_stream(
            made.id, title="Four shafts", visibility=Visibility.FOLLOWERS, thumbnail=picture.id
        )
        assert changed.thumbnail is not None
        assert (changed.title, changed.category) == ("Four shafts", "Crafts")
        assert (await own.change_stream(made.id, thumbnail=None)).thumbnail is None
        with pytest.raises(PlazaRefused) as refusal:
            await others.stream(made.id)
        assert refusal.value.code == "not_found"

        assert (await own.stream_health(made.id)).state is StreamState.IDLE
        assert (await own.end_stream(made.id)).state is StreamState.IDLE
        assert (await own.live_streams("newest", category="crafts", followed=True)).items == []
        second = await own.create_stream("Another")
        assert [stream.id for stream in await own.own_streams()] == [second.id, made.id]
        await own.delete_stream(made.id)
        assert [stream.id for stream in await own.own_streams()] == [second.id]
