"""server/live_sessions.py: real broadcasts, peers, publishers and viewers; no sockets."""

import asyncio
from typing import Any

import pytest

from media.peer import PeerState
from protocol.errors import UNAVAILABLE, PlazaError
from protocol.ids import Id
from tests.media.transport import check
from tests.server.live import (
    ALICE,
    BOB,
    CANDIDATES,
    HIDDEN,
    KEY,
    MIDI,
    NEWER,
    PUBLISH,
    REMOTE,
    STREAM,
    House,
    Party,
    credentials_in,
    fragment_of,
    offer_of,
)


@pytest.fixture
def house() -> House:
    return House()


async def refused(asked: Any) -> PlazaError:
    with pytest.raises(PlazaError) as caught:
        await asked
    return caught.value


class TestPublishing:
    async def test_an_offer_is_answered_with_all_that_a_client_needs(self, house: House) -> None:
        session = await house.publish()
        sdp = session.answer.sdp
        assert sdp.startswith("v=0")
        assert sdp.count("a=recvonly") == 2
        assert "a=ice-lite" in sdp
        assert sdp.count("a=candidate:") >= len(CANDIDATES)
        assert session.path == f"/whip/{STREAM}/{session.id}"
        assert len(session.id) >= 32
        assert house.counts() == (1, 0, 1)

    async def test_no_two_sessions_share_a_secret(self, house: House) -> None:
        house.access.keys[HIDDEN] = KEY
        one, other = await house.publish(), await house.publish(HIDDEN)
        assert one.id != other.id
        assert one.etag != other.etag
        assert credentials_in(one.answer.sdp) != credentials_in(other.answer.sdp)

    async def test_packets_make_the_stream_live(self, house: House) -> None:
        party = Party(await house.publish())
        assert house.stage.told == []
        party.connect(house.now)
        party.send_picture(0, house.now)
        house.relay.flush(house.now)
        assert house.stage.told == [("live", STREAM)]

    async def test_a_wrong_key_makes_nothing(self, house: House) -> None:
        for stream, key in ((STREAM, "wrong"), (HIDDEN, KEY)):
            refusal = await refused(house.live.publish(stream, key, PUBLISH))
            assert refusal.spec.code == "unauthorized"
        assert house.counts() == (0, 0, 0)
        assert len(house.broadcasts) == 0

    @pytest.mark.parametrize(
        ("offer", "code"),
        [
            ("", "bad_offer"),
            ("hello", "bad_offer"),
            (PUBLISH.replace("a=fingerprint", "a=nothing"), "bad_offer"),
            (offer_of("sendonly", video=MIDI).replace("opus", "speex"), "unsupported_offer"),
        ],
        ids=["empty", "words", "no fingerprint", "no codec"],
    )
    async def test_what_cannot_be_answered_makes_nothing(
        self, house: House, offer: str, code: str
    ) -> None:
        refusal = await refused(house.live.publish(STREAM, KEY, offer))
        assert refusal.spec.code == code
        assert refusal.message.endswith(".")
        assert house.counts() == (0, 0, 0)
        assert len(house.broadcasts) == 0

    async def test_who_never_comes_is_forgotten(self, house: House) -> None:
        session = await house.publish()
        house.pass_time(31)
        assert house.counts() == (0, 0, 0)
        assert house.live.ended["whip", "timeout"] == 1
        with pytest.raises(PlazaError):
            house.live.find("whip", STREAM, session.id)
        house.pass_time(31)
        assert len(house.broadcasts) == 0
        assert house.stage.told == []

    async def test_delete_ends_the_stream_at_once(self, house: House) -> None:
        publisher = await house.on_air()
        [viewer] = await house.audience(None)
        house.live.delete(publisher.session)
        assert house.counts() == (0, 0, 0)
        assert house.stage.told[-1] == ("ended", STREAM, "left")
        assert viewer.session.peer.state is PeerState.CLOSED

    async def test_silence_leaves_the_grace_time(self, house: House) -> None:
        await house.on_air()
        [viewer] = await house.audience(None)
        # The viewer goes on sending checks; the publisher does not.
        for _ in range(31):
            house.pass_time(1)
            viewer.check(house.now)
        assert ("interrupted", STREAM) in house.stage.told
        assert house.counts() == (0, 1, 1)
        # One may even begin to watch now.
        assert (await house.watch()).answer.sdp.count("a=sendonly") >= 1


class TestTakingOver:
    async def test_it_takes_a_connection_not_an_offer(self, house: House) -> None:
        first = await house.on_air()
        second = await house.publish()
        assert first.session.peer.state is PeerState.CONNECTED
        Party(second).connect(house.now)
        assert first.session.peer.state is PeerState.CLOSED
        assert house.live.ended["whip", "replaced"] == 1
        assert house.counts() == (1, 0, 1)
        assert house.broadcasts.get(STREAM).publisher is second.end
        assert not any(told[0] == "ended" for told in house.stage.told)

    async def test_viewers_stay(self, house: House) -> None:
        await house.on_air()
        [viewer] = await house.audience(None)
        second = Party(await house.publish()).connect(house.now)
        second.send_picture(100, house.now)
        house.relay.flush(house.now)
        assert viewer.session.peer.state is PeerState.CONNECTED
        assert house.counts() == (1, 1, 2)

    async def test_offers_do_not_pile_up(self, house: House) -> None:
        await house.on_air()
        for _ in range(5):
            await house.publish()
        assert house.live.count("whip") == 2

    async def test_it_needs_no_free_place(self) -> None:
        house = House(publishers=1)
        await house.on_air()
        Party(await house.publish()).connect(house.now)
        house.access.keys[HIDDEN] = KEY
        assert (await refused(house.publish(HIDDEN))).spec.code == "media_full"


class TestWatching:
    async def test_an_offer_is_answered_with_what_the_stream_has(self, house: House) -> None:
        await house.on_air()
        session = await house.watch(ALICE)
        assert session.answer.sdp.count("a=sendonly") == 2
        assert (session.account, session.path) == (ALICE, f"/whep/{STREAM}/{session.id}")
        assert session.video_line == 1
        Party(session).connect(house.now)
        assert house.stage.told[-1] == ("viewers", STREAM, 1, 1)
        house.live.delete(session)
        assert house.stage.told[-1] == ("viewers", STREAM, 0, 1)
        assert house.counts() == (1, 0, 1)

    async def test_there_is_nothing_to_see_yet(self, house: House) -> None:
        for _ in range(2):
            refusal = await refused(house.watch())
            assert refusal.spec.code == "stream_offline"
            assert refusal.retry_after
            await house.publish()  # an offer alone shows nothing

    async def test_who_may_not_gets_nothing(self, house: House) -> None:
        await house.on_air()
        house.access.shut_out = {None, BOB}
        assert (await refused(house.watch())).spec.code == "unauthorized"
        assert (await refused(house.watch(BOB))).spec.code == "forbidden"
        assert (await refused(house.watch(ALICE, HIDDEN))).spec.code == "not_found"
        assert house.live.count("whep") == 0

    async def test_who_cannot_play_it_hears_so(self, house: House) -> None:
        await house.on_air()
        offer = offer_of("recvonly", video=MIDI).replace("opus", "speex")
        refusal = await refused(house.live.watch(STREAM, None, offer))
        assert refusal.spec.code == "unsupported_offer"

    async def test_what_is_over_closes_its_viewers(self, house: House) -> None:
        await house.on_air()
        await house.audience(None, ALICE)
        house.live.end_stream(STREAM, "deleted")
        assert house.counts() == (0, 0, 0)
        assert house.stage.told[-1] == ("ended", STREAM, "deleted")


class TestFull:
    @pytest.mark.parametrize("setting", ["viewers", "viewers_per_stream"])
    async def test_of_viewers(self, setting: str) -> None:
        house = House(**{setting: 2})
        await house.on_air()
        first, _ = await house.audience(None, None)
        refusal = await refused(house.watch())
        assert (refusal.spec.code, refusal.spec.status) == ("media_full", 503)
        assert refusal.retry_after
        house.live.delete(first.session)
        await house.watch()

    async def test_of_publishers(self) -> None:
        house = House(publishers=1)
        house.access.keys[HIDDEN] = KEY
        first = await house.publish()
        assert (await refused(house.publish(HIDDEN))).spec.code == "media_full"
        house.live.delete(first)
        await house.publish(HIDDEN)

    async def test_of_what_is_sent(self) -> None:
        house = House(egress_bitrate=1_000_000)
        await house.on_air()
        await house.watch()
        house.egress = 999_999_999
        assert (await refused(house.watch())).spec.code == "media_full"

    async def test_those_who_are_on_their_way_count(self, monkeypatch: pytest.MonkeyPatch) -> None:
        house = House(egress_bitrate=1_000_000)
        await house.on_air()
        monkeypatch.setattr("server.live_capacity.bitrate_of", lambda broadcast, now: 400_000)
        await house.watch()
        [second] = await house.audience(None)
        assert (await refused(house.watch())).spec.code == "media_full"
        house.pass_time(2)  # now the meter would have seen the second one
        assert second.session.peer.state is PeerState.CONNECTED
        await house.watch()


class TestPatching:
    async def test_candidates_change_nothing(self, house: House) -> None:
        session = await house.publish()
        before = session.etag
        for credentials in (REMOTE, None):
            fragment = fragment_of(credentials)
            for tags in ({before}, {"*"}, {"other", before}):
                assert house.live.patch(session, tags, fragment) is None
        assert (session.etag, session.remote) == (before, REMOTE)

    async def test_new_credentials_restart_ice(self, house: House) -> None:
        publisher = await house.on_air()
        session = publisher.session
        before, former = session.etag, credentials_in(session.answer.sdp)
        answer = house.live.patch(session, {"*"}, fragment_of(NEWER))
        assert answer is not None
        assert session.etag != before
        fresh = credentials_in(answer)
        assert fresh.ufrag != former.ufrag
        assert fresh.pwd != former.pwd
        assert "a=ice-lite" in answer
        assert "a=candidate:" in answer
        # Until the first check by the new ones, both are good (RFC 8445, 9).
        assert house.relay.peer_of_check(check(former)) is session.peer
        assert house.relay.peer_of_check(check(fresh)) is session.peer
        assert publisher.check(house.now, fresh)
        assert house.relay.peer_of_check(check(former)) is None
        assert session.peer.state is PeerState.CONNECTED
        # A fragment of the former ICE session comes late.
        with pytest.raises(PlazaError) as caught:
            house.live.patch(session, {before}, fragment_of(REMOTE))
        assert caught.value.spec.status == 412
        assert house.live.patch(session, {session.etag}, fragment_of(NEWER)) is None

    @pytest.mark.parametrize(
        ("tags", "fragment", "status"),
        [
            (None, fragment_of(REMOTE), 428),
            (None, fragment_of(NEWER), 428),
            ({"other"}, fragment_of(REMOTE), 412),
            (set(), fragment_of(NEWER), 412),
            ({"*"}, "a=ice-ufrag\r\nnonsense", 400),
        ],
    )
    async def test_what_is_refused_changes_nothing(
        self, house: House, tags: set[str] | None, fragment: str, status: int
    ) -> None:
        session = await house.publish()
        before = session.etag
        with pytest.raises(PlazaError) as caught:
            house.live.patch(session, tags, fragment)
        assert caught.value.spec.status == status
        assert (session.etag, session.remote) == (before, REMOTE)
        assert session.peer.state is PeerState.NEW


class TestWithdrawing:
    async def test_a_key_that_is_replaced_meanwhile_lets_nobody_in(self, house: House) -> None:
        asked, go_on = asyncio.Event(), asyncio.Event()
        may_publish = house.access.may_publish

        async def slowly(stream: Id, key: str) -> None:
            await may_publish(stream, key)
            asked.set()
            await go_on.wait()

        house.access.may_publish = slowly  # type: ignore[method-assign]
        publishing = asyncio.create_task(house.publish())
        await asked.wait()
        house.access.keys[STREAM] = "another"
        house.live.end_stream(STREAM, "rotated")
        go_on.set()
        assert (await refused(publishing)).spec.code == "unauthorized"
        assert house.counts() == (0, 0, 0)

    async def test_the_end_of_a_stream_ends_offers_too(self, house: House) -> None:
        await house.on_air()
        await house.publish()
        await house.watch()
        house.live.end_stream(STREAM, "banned")
        assert house.counts() == (0, 0, 0)
        house.live.end_stream(HIDDEN, "banned")

    async def test_who_may_not_any_more_is_closed(self, house: House) -> None:
        await house.on_air()
        await house.audience(ALICE, BOB, None)
        house.access.shut_out = {BOB, None}
        await house.live.recheck(STREAM)
        assert house.live.ended["whep", "withdrawn"] == 2
        assert house.counts() == (1, 1, 2)

    async def test_a_database_that_is_away_closes_nobody(self, house: House) -> None:
        await house.on_air()
        await house.audience(ALICE)

        async def away(stream: Id, viewers: Any) -> Any:
            raise PlazaError(UNAVAILABLE)

        house.access.still_may_watch = away  # type: ignore[method-assign]
        await house.live.recheck(STREAM)
        assert house.live.count("whep") == 1

    async def test_at_the_end_nothing_is_left(self, house: House) -> None:
        await house.on_air()
        await house.audience(ALICE, None)
        await house.publish()
        house.live.close()
        assert house.counts() == (0, 0, 0)
        assert len(house.broadcasts) == 0


async def test_a_session_is_found_by_its_own_url_alone(house: House) -> None:
    publisher = await house.on_air()
    viewer = await house.watch()
    assert house.live.find("whip", STREAM, publisher.session.id) is publisher.session
    assert house.live.find("whep", STREAM, viewer.id) is viewer
    for role, stream, session in (
        ("whep", STREAM, publisher.session.id),
        ("whip", STREAM, viewer.id),
        ("whip", HIDDEN, publisher.session.id),
        ("whip", STREAM, "guess"),
    ):
        with pytest.raises(PlazaError) as caught:
            house.live.find(role, stream, session)  # type: ignore[arg-type]
        assert caught.value.spec.code == "not_found"


async def test_what_is_received_is_told(house: House) -> None:
    assert house.live.received(STREAM) is None
    await house.on_air()
    received = house.live.received(STREAM)
    assert received is not None
    assert {track.kind for track in received.tracks} <= {"audio", "video"}
    assert "H264" in {track.codec for track in received.tracks}
