from plaza_client.people import People
from protocol.events import PresenceChanged, Ready, RelationChanged, SettingsChanged
from protocol.ids import Id
from protocol.records import PresenceState
from tests.plaza_client.conftest import ADA, BOB

EVE = Id(13)


def ready(**fields: object) -> Ready:
    return Ready(id=1, user=ADA, session=Id(5), rooms=[], heartbeat=25, **fields)  # type: ignore[arg-type]


def here(account: Id, state: PresenceState = PresenceState.ONLINE) -> PresenceChanged:
    return PresenceChanged(account=account, state=state)


def test_those_who_are_here() -> None:
    people = People()
    people.apply(here(BOB.id))
    people.apply(here(EVE, PresenceState.BUSY))
    people.apply(here(BOB.id, PresenceState.AWAY))
    assert people.presence == {
        BOB.id: here(BOB.id, PresenceState.AWAY),
        EVE: here(EVE, PresenceState.BUSY),
    }
    people.apply(here(BOB.id, PresenceState.OFFLINE))
    people.apply(here(BOB.id, PresenceState.OFFLINE))
    assert people.presence.keys() == {EVE}


def test_a_new_connection_is_told_anew() -> None:
    people = People()
    people.apply(here(BOB.id))
    people.apply(RelationChanged(account=EVE, blocked=True, muted=True))
    people.renew(ready(blocked=[BOB.id], busy=True))
    assert (people.presence, people.blocked, people.muted) == ({}, {BOB.id}, set())
    assert (people.busy, people.hidden) == (True, False)


def test_relations_and_settings_change() -> None:
    people = People()
    people.renew(ready(muted=[BOB.id]))
    people.apply(RelationChanged(account=BOB.id, blocked=True, muted=False))
    people.apply(RelationChanged(account=EVE, blocked=False, muted=True))
    people.apply(SettingsChanged(busy=False, hidden=True))
    assert (people.blocked, people.muted) == ({BOB.id}, {EVE})
    assert (people.busy, people.hidden) == (False, True)
