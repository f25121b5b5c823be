"""server/rest/whep.py: draft-ietf-wish-whep with its extensions, over real HTTP."""

import json
from contextlib import asynccontextmanager

import pytest

from media.peer import PeerState
from server.sections import Media, Streams
from tests.server.live import MIDI, NEWER, WATCH, fragment_of, offer_of
from tests.server.rest.live_streams import Stream, links_in

EXTENSION = "urn:ietf:params:whep:ext:core"
JSON = {"Content-Type": "application/json"}
SIMULCAST = offer_of("sendonly", rids=["q", "h"])


@pytest.fixture
async def stream(site, alice):
    stream = await Stream.make(site, alice)
    yield stream
    await stream.close()


@pytest.fixture
async def on_air(stream):
    await stream.go_on_air()
    return stream


@pytest.fixture
async def make(serve):
    """Makes a stream that is on air, on a server with settings of its own."""
    made = []

    async def start(**settings):
        site = await serve(**settings)
        made.append(await Stream.make(site, await site.sign_up("alice")))
        await made[-1].go_on_air()
        return made[-1]

    yield start
    for stream in made:
        await stream.close()


class TestPost:
    async def test_the_answer(self, on_air, bob):
        answer = await on_air.watch(bob)
        assert answer.status_code == 201
        assert answer.headers["content-type"] == "application/sdp"
        path = answer.headers["location"]
        assert path.startswith(f"{on_air.whep}/")
        assert answer.headers["etag"]
        assert answer.headers["accept-patch"] == "application/trickle-ice-sdpfrag"
        assert links_in(answer) == [
            f'<{path}/events>; rel="{EXTENSION}:server-sent-events"; '
            'events="active,inactive,layers,reconnect,viewercount"',
            f'<{path}/layer>; rel="{EXTENSION}:layer"',
        ]
        assert answer.text.count("a=sendonly") == 2
        party = on_air.party_of(answer).connect(on_air.house.now)
        assert party.session.account == int(bob.id)
        assert party.session.peer.state is PeerState.CONNECTED

    async def test_nobody_in_particular_may_watch_what_is_public(self, on_air):
        answer = await on_air.watch()
        assert on_air.party_of(answer).session.account is None

    async def test_a_stream_that_is_off(self, stream):
        answer = await stream.watch()
        assert (answer.status_code, answer.code) == (409, "stream_offline")
        assert int(answer.headers["retry-after"]) >= 1

    async def test_no_such_stream(self, stream):
        for url in ("/whep/1234567890", "/whep/nothing"):
            assert (await stream.post_offer(url, WATCH, None)).code == "not_found"

    async def test_a_bad_token_is_not_nobody(self, on_air):
        answer = await on_air.post_offer(on_air.whep, WATCH, "wrong")
        assert answer.code == "unauthorized"
        assert 'error="invalid_token"' in answer.headers["www-authenticate"]
        answer = await on_air.post_offer(on_air.whep, WATCH, None, Authorization="Basic YTpi")
        assert answer.code == "unauthorized"

    async def test_who_may_not_see_it(self, site, alice, bob):
        hidden = await Stream.make(site, alice, visibility="private")
        await hidden.go_on_air()
        assert (await hidden.watch(bob)).code == "not_found"
        assert (await hidden.watch()).code == "not_found"
        assert (await hidden.watch(alice)).status_code == 201
        await hidden.close()

    async def test_where_nobody_watches_without_an_account(self, make):
        stream = await make(streams=Streams(anonymous_viewers=False))
        assert (await stream.watch()).code == "unauthorized"
        assert (await stream.watch(stream.owner)).status_code == 201

    @pytest.mark.parametrize(
        ("offer", "code"),
        [
            ("v=0", "bad_offer"),
            (offer_of("recvonly", video=MIDI).replace("opus", "speex"), "unsupported_offer"),
        ],
    )
    async def test_what_cannot_be_answered(self, on_air, offer, code):
        assert (await on_air.watch(offer=offer)).code == code
        assert on_air.house.live.count("whep") == 0

    @pytest.mark.parametrize("setting", ["viewers", "viewers_per_stream"])
    async def test_full(self, make, setting):
        stream = await make(media=Media(**{setting: 1}))
        assert (await stream.watch()).status_code == 201
        answer = await stream.watch()
        assert (answer.status_code, answer.code) == (503, "media_full")
        assert int(answer.headers["retry-after"]) >= 1


class TestSession:
    async def test_it_is_patched_and_deleted_as_in_whip(self, on_air):
        made = await on_air.watch()
        path = made.headers["location"]
        answer = await on_air.patch(path, fragment_of(NEWER), **{"If-Match": "*"})
        assert (answer.status_code, bool(answer.headers["etag"])) == (200, True)
        assert (await on_air.ask("GET", path)).status_code == 204
        assert (await on_air.ask("DELETE", path)).status_code == 200
        assert (await on_air.ask("DELETE", path)).code == "not_found"
        assert on_air.house.counts() == (1, 0, 1)

    async def test_who_is_blocked_is_sent_away(self, site, on_air, alice, bob):
        party = on_air.party_of(await on_air.watch(bob)).connect(on_air.house.now)
        await alice.put(f"/me/blocks/{bob.id}")
        await site.background.finish(within=5)
        assert party.session.peer.state is PeerState.CLOSED
        assert (await on_air.watch(bob)).code == "not_found"

    async def test_what_is_deleted_is_over(self, on_air, alice):
        party = on_air.party_of(await on_air.watch()).connect(on_air.house.now)
        assert (await alice.delete(f"/streams/{on_air.id}")).is_success
        assert party.session.peer.state is PeerState.CLOSED
        assert on_air.house.counts() == (0, 0, 0)


class TestLayers:
    async def choose(self, stream, path, body):
        content = body if isinstance(body, str) else json.dumps(body)
        return await stream.ask("POST", f"{path}/layer", content=content, headers=JSON)

    async def test_back_to_automatic(self, on_air):
        path = (await on_air.watch()).headers["location"]
        for body in ({}, {"mediaId": "1"}, {"rid": None}):
            answer = await self.choose(on_air, path, body)
            assert (answer.status_code, answer.content) == (200, b""), body

    async def test_one_of_several(self, stream):
        publisher = stream.party_of(await stream.publish(SIMULCAST)).connect(stream.house.now)
        publisher.send_layers(stream.house)
        path = (await stream.watch()).headers["location"]
        for body in ({"rid": "h"}, {"encodingId": "q", "mediaId": "1"}, {}):
            assert (await self.choose(stream, path, body)).status_code == 200, body
        answer = await self.choose(stream, path, {"rid": "x"})
        assert answer.json()["detail"] == "There is no layer 'x'. There are: q, h."

    async def test_what_is_not_there(self, on_air):
        path = (await on_air.watch()).headers["location"]
        for body in (
            *({"rid": "h"}, {"encodingId": "h"}, {"mediaId": "0"}, {"maxWidth": 320}),
            *({"rid": 1}, [], "", "{", "nul"),
        ):
            answer = await self.choose(on_air, path, body)
            assert answer.code == "bad_request", body

    async def test_other_requests(self, on_air):
        path = (await on_air.watch()).headers["location"]
        answer = await on_air.ask("POST", f"{path}/layer", content="{}", headers={})
        assert answer.code == "unsupported_media"
        assert answer.headers["accept-post"] == "application/json"
        assert (await on_air.ask("GET", f"{path}/layer")).code == "method_not_allowed"
        assert (await self.choose(on_air, path + "x", {})).code == "not_found"


class TestEvents:
    async def begin(self, stream, path, wanted=None):
        content = {} if wanted is None else {"content": json.dumps(wanted), "headers": JSON}
        return await stream.ask("POST", f"{path}/events", **content)

    @asynccontextmanager
    async def following(self, stream, url):
        """What comes on a feed, as pairs of type and content."""
        async with stream._http.stream("GET", url) as answer:
            assert answer.headers["content-type"].startswith("text/event-stream")
            lines = answer.aiter_lines()

            async def events():
                async for line in lines:
                    if line.startswith("event: "):
                        data = await anext(lines)
                        kind, content = line.removeprefix("event: "), data.removeprefix("data: ")
                        yield kind, json.loads(content)

            yield events()

    async def test_what_is_so_is_told_at_once(self, on_air):
        path = (await on_air.watch()).headers["location"]
        made = await self.begin(on_air, path)
        assert made.status_code == 201
        url = made.headers["location"]
        assert url.startswith(f"{path}/events/")
        async with self.following(on_air, url) as events:
            assert await anext(events) == ("active", {})
            assert await anext(events) == ("viewercount", {"viewercount": 0})

    async def test_what_changes_is_told_and_nothing_else(self, on_air):
        answer = await on_air.watch()
        live = on_air.house.live
        made = await self.begin(on_air, answer.headers["location"], ["viewercount"])
        async with self.following(on_air, made.headers["location"]) as events:
            assert await anext(events) == ("viewercount", {"viewercount": 0})
            live.turn()
            on_air.party_of(answer).connect(on_air.house.now)
            live.turn()
            assert await anext(events) == ("viewercount", {"viewercount": 1})

    async def test_an_interruption_is_told(self, on_air):
        answer = await on_air.watch()
        made = await self.begin(on_air, answer.headers["location"], ["active", "inactive"])
        async with self.following(on_air, made.headers["location"]) as events:
            assert await anext(events) == ("active", {})
            broadcast = on_air.party_of(answer).session.broadcast
            broadcast.publisher.close("failed", on_air.house.now)
            on_air.house.live.turn()
            assert await anext(events) == ("inactive", {})
            await on_air.go_on_air()
            on_air.house.live.turn()
            assert await anext(events) == ("active", {})

    async def test_the_end_of_the_stream_ends_the_feed(self, on_air):
        answer = await on_air.watch()
        url = (await self.begin(on_air, answer.headers["location"])).headers["location"]
        async with self.following(on_air, url) as events:
            assert await anext(events) == ("active", {})
            on_air.house.live.end_stream(on_air.id, "ended")
            assert [kind async for kind, _ in events][-1] == "inactive"
        assert (await on_air.ask("GET", url)).code == "not_found"

    async def test_at_the_end_of_the_process_players_are_to_begin_again(self, make):
        on_air = await make()
        answer = await on_air.watch()
        url = (await self.begin(on_air, answer.headers["location"])).headers["location"]
        async with self.following(on_air, url) as events:
            assert await anext(events) == ("active", {})
            on_air.house.live.close()
            assert ("reconnect", {}) in [event async for event in events]

    async def test_silence_is_broken_now_and_then(self, on_air):
        answer = await on_air.watch()
        url = (await self.begin(on_air, answer.headers["location"], ["layers"])).headers["location"]
        async with on_air._http.stream("GET", url) as feed:
            for _ in range(15):
                on_air.house.live.turn()
            assert await anext(feed.aiter_lines()) == ":"

    async def test_layers_are_told_where_there_is_a_choice(self, stream):
        publisher = stream.party_of(await stream.publish(SIMULCAST)).connect(stream.house.now)
        publisher.send_layers(stream.house)
        made = await self.begin(stream, (await stream.watch()).headers["location"], ["layers"])
        async with self.following(stream, made.headers["location"]) as events:
            kind, content = await anext(events)
            assert (kind, list(content)) == ("layers", ["1"])
            assert [layer["rid"] for layer in content["1"]] == ["q", "h"]
            assert all(layer["bitrate"] > 0 for layer in content["1"])

    async def test_delete(self, on_air):
        path = (await on_air.watch()).headers["location"]
        url = (await self.begin(on_air, path)).headers["location"]
        assert (await on_air.ask("DELETE", url)).status_code == 200
        for method in ("DELETE", "GET"):
            assert (await on_air.ask(method, url)).code == "not_found"

    async def test_wrong_wishes(self, on_air):
        path = (await on_air.watch()).headers["location"]
        for wanted in (["scte35"], {}, [1], "active"):
            assert (await self.begin(on_air, path, wanted)).code == "bad_request"
        assert len(on_air.house.live.events) == 0

    async def test_feeds_do_not_pile_up(self, on_air):
        path = (await on_air.watch()).headers["location"]
        urls = [(await self.begin(on_air, path)).headers["location"] for _ in range(6)]
        assert len(on_air.house.live.events) == 4
        assert (await on_air.ask("GET", urls[0])).code == "not_found"
