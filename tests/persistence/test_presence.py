"""Settings, and when somebody was here last, as they are stored."""

from collections.abc import AsyncIterator
from datetime import timedelta

import pytest

from persistence import presence, relations
from persistence.embedded import EmbeddedPostgres
from protocol.ids import Id
from tests.rooms.town import NOW, Town, founded

LATER = NOW + timedelta(seconds=1)


@pytest.fixture(scope="module")
async def town(postgres: EmbeddedPostgres, template: str) -> AsyncIterator[Town]:
    async with founded(postgres, template) as town:
        yield town


async def test_settings_change_one_by_one(town: Town) -> None:
    (ada,) = await town.people("ada")
    async with town.database.connection() as connection:
        assert await presence.settings(connection, ada.id) == (False, False, False)
        changed = await presence.set_settings(connection, ada.id, busy=True, hidden=None)
        assert changed == (True, False, True)
        again = await presence.set_settings(connection, ada.id, busy=True, hidden=None)
        assert again == (True, False, False)
        both = await presence.set_settings(connection, ada.id, busy=False, hidden=True)
        assert both == (False, True, True)
        assert await presence.settings(connection, ada.id) == (False, True, False)


async def test_last_seen_never_moves_back(town: Town) -> None:
    ada, bob = await town.people("ada", "bob")
    async with town.database.connection() as connection:
        await presence.save_last_seen(connection, {ada.id: NOW, bob.id: LATER})
        await presence.save_last_seen(connection, {bob.id: NOW, ada.id: LATER, Id(17): NOW})
        seen = await presence.last_seen(connection, ada.id, [bob.id, ada.id, Id(17)])
        assert seen == {ada.id: LATER, bob.id: LATER}
        await presence.save_last_seen(connection, {})


async def test_last_seen_is_not_for_everybody(town: Town) -> None:
    ada, bob, eve = await town.people("ada", "bob", "eve")
    async with town.database.connection() as connection:
        await presence.save_last_seen(connection, {ada.id: NOW})
        async with connection.transaction():
            await relations.block(connection, ada.id, bob.id, limit=0)
        assert await presence.last_seen(connection, eve.id, [ada.id]) == {ada.id: NOW}
        assert await presence.last_seen(connection, bob.id, [ada.id]) == {ada.id: None}
        await presence.set_settings(connection, ada.id, busy=None, hidden=True)
        assert await presence.last_seen(connection, eve.id, [ada.id]) == {ada.id: None}
