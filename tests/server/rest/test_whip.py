"""server/rest/whip.py and signalling.py: RFC 9725, over real HTTP."""

import pytest

from media.peer import PeerState
from media.turn_credentials import credential_of
from server.sections import Media
from tests.server.live import MIDI, NEWER, PUBLISH, REMOTE, credentials_in, fragment_of, offer_of
from tests.server.rest.conftest import START
from tests.server.rest.live_streams import FRAGMENT, SDP, Stream, links_in

PREFLIGHT = {
    "Access-Control-Request-Method": "POST",
    "Access-Control-Request-Headers": "authorization,content-type",
}
SERVERS = Media(
    ice_servers=["stun:stun.example:3478", "turn:turn.example:3478?transport=udp"],
    turn_secret="north",
    turn_seconds=600,
)


@pytest.fixture
async def stream(site, alice):
    stream = await Stream.make(site, alice)
    yield stream
    await stream.close()


@pytest.fixture
async def make(serve):
    """Makes a stream on a server with settings of its own."""
    made = []

    async def start(**settings):
        site = await serve(**settings)
        made.append(await Stream.make(site, await site.sign_up("alice")))
        return made[-1]

    yield start
    for stream in made:
        await stream.close()


class TestPost:
    async def test_the_answer(self, stream):
        answer = await stream.publish()
        assert answer.status_code == 201
        assert answer.headers["content-type"] == "application/sdp"
        assert answer.text.startswith("v=0\r\n")
        assert answer.headers["location"].startswith(f"{stream.whip}/")
        assert answer.headers["etag"].strip('"') == answer.headers["etag"][1:-1]
        assert answer.headers["accept-patch"] == "application/trickle-ice-sdpfrag"
        assert links_in(answer) == []
        assert stream.party_of(answer).session.peer.state is PeerState.NEW

    async def test_parameters_of_the_media_type_are_no_other_type(self, stream):
        for kind in ("application/sdp; charset=utf-8", "Application/SDP"):
            answer = await stream.post_offer(
                stream.whip, PUBLISH, stream.key, **{"Content-Type": kind}
            )
            assert answer.status_code == 201

    @pytest.mark.parametrize("kind", ["application/json", "text/plain", ""])
    async def test_another_media_type(self, stream, kind):
        answer = await stream.post_offer(stream.whip, PUBLISH, stream.key, **{"Content-Type": kind})
        assert answer.code == "unsupported_media"
        assert answer.headers["accept-post"] == "application/sdp"

    @pytest.mark.parametrize(
        ("offer", "code"),
        [
            ("", "bad_offer"),
            ("v=0", "bad_offer"),
            (b"v=0\r\ns=\xff", "bad_offer"),
            (PUBLISH.replace("a=ice-ufrag", "a=x"), "bad_offer"),
            (offer_of("sendonly", video=MIDI).replace("opus", "speex"), "unsupported_offer"),
            (PUBLISH + "a=x:y\r\n" * 20_000, "too_large"),
        ],
        ids=["empty", "short", "no UTF-8", "no ufrag", "no codec", "large"],
    )
    async def test_what_cannot_be_answered(self, stream, offer, code):
        answer = await stream.publish(offer)
        assert answer.code == code
        assert "location" not in answer.headers
        assert stream.house.counts() == (0, 0, 0)

    async def test_no_key(self, stream):
        for headers in ({}, {"Authorization": "Basic YTpi"}, {"Authorization": "Bearer"}):
            answer = await stream.ask("POST", stream.whip, content=PUBLISH, headers=SDP | headers)
            assert (answer.status_code, answer.code) == (401, "unauthorized")
            assert answer.headers["www-authenticate"].startswith('Bearer realm="plaza"')

    async def test_a_wrong_key(self, stream, alice):
        for key in ("wrong", alice.access_token, stream.key + "x"):
            answer = await stream.post_offer(stream.whip, PUBLISH, key)
            assert answer.code == "unauthorized"
            assert 'error="invalid_token"' in answer.headers["www-authenticate"]
        assert stream.house.counts() == (0, 0, 0)

    async def test_no_such_stream_is_a_wrong_key_too(self, stream):
        answer = await stream.post_offer("/whip/1234567890", PUBLISH, stream.key)
        assert answer.code == "unauthorized"
        answer = await stream.post_offer("/whip/nothing", PUBLISH, stream.key)
        assert answer.code == "not_found"

    async def test_a_key_that_was_pasted_with_its_scheme(self, stream):
        answer = await stream.post_offer(stream.whip, PUBLISH, f"Bearer {stream.key}")
        assert answer.status_code == 201

    async def test_a_rotated_key_ends_what_was_published_with_it(self, stream, alice):
        party = await stream.go_on_air()
        answer = await alice.post(f"/streams/{stream.id}/key")
        assert party.session.peer.state is PeerState.CLOSED
        assert (await stream.publish()).code == "unauthorized"
        stream.key = answer.json()["stream_key"]
        assert (await stream.publish()).status_code == 201


class TestGuessing:
    async def test_wrong_keys_are_counted_and_right_ones_not(self, make):
        stream = await make(stream_keys_per_ip_minute=3)
        for _ in range(5):
            assert (await stream.publish()).status_code == 201
        for _ in range(3):
            answer = await stream.post_offer(stream.whip, PUBLISH, "wrong")
            assert answer.code == "unauthorized"
        answer = await stream.publish()
        assert (answer.status_code, answer.code) == (429, "rate_limited")
        assert int(answer.headers["retry-after"]) >= 1

    async def test_a_bad_offer_is_no_wrong_key(self, make):
        stream = await make(stream_keys_per_ip_minute=1)
        for _ in range(3):
            assert (await stream.publish("v=0")).code == "bad_offer"

    async def test_options_tells_no_more(self, make):
        stream = await make(stream_keys_per_ip_minute=2, media=SERVERS)
        wrong = {"Authorization": "Bearer wrong"}
        for _ in range(4):
            answer = await stream.ask("OPTIONS", stream.whip, headers=wrong)
            assert (answer.status_code, links_in(answer)) == (200, [])
        assert (await stream.publish()).code == "rate_limited"

    async def test_offers_are_counted(self, make):
        stream = await make(offers_per_ip_minute=2)
        for _ in range(2):
            assert (await stream.publish()).status_code == 201
        assert (await stream.publish()).code == "rate_limited"


class TestFull:
    async def test_it_says_when_to_come_again(self, make):
        stream = await make(media=Media(publishers=1))
        await stream.go_on_air()
        assert (await stream.publish()).status_code == 201  # it takes over, so there is room
        other = await Stream.make(stream.site, stream.owner)
        answer = await other.publish()
        assert (answer.status_code, answer.code) == (503, "media_full")
        assert int(answer.headers["retry-after"]) >= 1
        await other.close()


class TestMethods:
    async def test_options(self, stream):
        for url, allow, header in (
            (stream.whip, "POST, GET, HEAD, OPTIONS", "accept-post"),
            (f"{stream.whip}/any", "PATCH, DELETE, GET, HEAD, OPTIONS", "accept-patch"),
        ):
            answer = await stream.ask("OPTIONS", url)
            assert (answer.status_code, answer.content) == (200, b"")
            assert answer.headers["allow"] == allow
            assert header in answer.headers

    async def test_preflight(self, stream):
        for url, method in ((stream.whip, "POST"), (f"{stream.whip}/any", "PATCH")):
            answer = await stream.ask("OPTIONS", url, headers=PREFLIGHT)
            assert answer.status_code == 200
            assert method in answer.headers["access-control-allow-methods"]
            allowed = answer.headers["access-control-allow-headers"].lower().split(", ")
            assert {"authorization", "content-type", "if-match"} <= set(allowed)
            assert int(answer.headers["access-control-max-age"]) > 0

    async def test_get_has_nothing_to_show(self, stream):
        location = (await stream.publish()).headers["location"]
        for url in (stream.whip, location):
            for method in ("GET", "HEAD"):
                answer = await stream.ask(method, url)
                assert (answer.status_code, answer.content) == (204, b"")

    async def test_other_methods_are_not_allowed(self, stream):
        location = (await stream.publish()).headers["location"]
        for url, methods in (
            (stream.whip, ("PUT", "PATCH", "DELETE")),
            (location, ("PUT", "POST")),
        ):
            for method in methods:
                answer = await stream.ask(method, url)
                assert (answer.status_code, answer.code) == (405, "method_not_allowed")
                assert method not in answer.headers["allow"].split(", ")
                assert "OPTIONS" in answer.headers["allow"]
        assert stream.house.counts() == (1, 0, 1)

    async def test_origins_that_may_not(self, make):
        stream = await make(origins=["https://plaza.example"])
        ask = stream._http.request
        for origin, allowed in (
            ("https://plaza.example", "https://plaza.example"),
            ("https://other.example", None),
            (None, None),
        ):
            headers = SDP | {"Authorization": f"Bearer {stream.key}"}
            headers |= {"Origin": origin} if origin else {}
            answer = await ask("POST", stream.whip, content=PUBLISH, headers=headers)
            assert answer.headers.get("access-control-allow-origin") == allowed
            assert answer.headers["vary"] == "Origin"


class TestSession:
    async def test_delete(self, stream):
        party = await stream.go_on_air()
        path = party.session.path
        answer = await stream.ask("DELETE", path, headers={"If-Match": '"other"'})
        assert (answer.status_code, answer.content) == (200, b"")
        assert party.session.peer.state is PeerState.CLOSED
        assert stream.house.counts() == (0, 0, 0)
        for method in ("DELETE", "GET"):
            assert (await stream.ask(method, path)).code == "not_found"
        assert (await stream.patch(path, fragment_of(REMOTE))).code == "not_found"

    async def test_candidates(self, stream):
        made = await stream.publish()
        path, tag = made.headers["location"], made.headers["etag"]
        for given in (tag, "*", '"*"', f'"other", {tag}'):
            answer = await stream.patch(path, fragment_of(REMOTE), **{"If-Match": given})
            assert (answer.status_code, answer.content) == (204, b"")
            assert "etag" not in answer.headers
            assert "content-type" not in answer.headers

    async def test_restart(self, stream):
        made = await stream.publish()
        path, tag = made.headers["location"], made.headers["etag"]
        answer = await stream.patch(path, fragment_of(NEWER), **{"If-Match": "*"})
        assert answer.status_code == 200
        assert answer.headers["content-type"] == "application/trickle-ice-sdpfrag"
        assert answer.headers["etag"] not in (tag, "")
        fresh = credentials_in(answer.text)
        assert fresh != credentials_in(made.text)
        assert stream.party_of(made).check(stream.house.now, fresh)
        late = await stream.patch(path, fragment_of(REMOTE), **{"If-Match": tag})
        assert (late.status_code, late.code) == (412, "precondition_failed")

    async def test_preconditions(self, stream):
        made = await stream.publish()
        path, tag = made.headers["location"], made.headers["etag"]
        answer = await stream.patch(path, fragment_of(REMOTE))
        assert (answer.status_code, answer.code) == (428, "precondition_required")
        for given in ('"other"', f"W/{tag}", '""', ""):
            answer = await stream.patch(path, fragment_of(REMOTE), **{"If-Match": given})
            assert answer.code == "precondition_failed", given

    async def test_other_bodies(self, stream):
        path = (await stream.publish()).headers["location"]
        answer = await stream.patch(path, fragment_of(REMOTE), **{"Content-Type": "text/plain"})
        assert answer.code == "unsupported_media"
        assert answer.headers["accept-patch"] == FRAGMENT["Content-Type"]
        for body in ("hello", "m=audio", b"\xff\xfe"):
            answer = await stream.patch(path, body, **{"If-Match": "*"})
            assert answer.code == "bad_offer", body
        assert stream.house.counts() == (1, 0, 1)

    async def test_its_url_is_a_secret(self, stream):
        path = (await stream.publish()).headers["location"]
        for guess in (path[:-1], f"{stream.whip}/x", path.replace("whip", "whep")):
            assert (await stream.ask("DELETE", guess)).code == "not_found"
        assert stream.house.counts() == (1, 0, 1)


class TestServers:
    def _credentials(self, answer):
        [stun, turn] = links_in(answer)
        assert stun == '<stun:stun.example:3478>; rel="ice-server"'
        url, rel, *given = turn.split("; ")
        assert (url, rel) == ("<turn:turn.example:3478?transport=udp>", 'rel="ice-server"')
        return dict(each.replace('"', "").split("=", 1) for each in given)

    async def test_they_come_with_the_answer(self, make):
        stream = await make(media=SERVERS)
        given = self._credentials(await stream.publish())
        assert given["username"] == f"{START // 1000 + 600}:{stream.id}"
        assert given["credential"] == credential_of(given["username"], "north")
        assert given["credential-type"] == "password"

    async def test_options_has_them_for_whoever_has_the_key(self, make):
        stream = await make(media=SERVERS)
        bearer = {"Authorization": f"Bearer {stream.key}"}
        answer = await stream.ask("OPTIONS", stream.whip, headers=bearer)
        assert self._credentials(answer)["credential"]
        for headers in ({}, {"Authorization": "Bearer wrong"}, bearer | PREFLIGHT):
            answer = await stream.ask("OPTIONS", stream.whip, headers=headers)
            assert (answer.status_code, links_in(answer)) == (200, [])


class TestClients:
    """What the programs of this world send, and what they check of the answer."""

    async def test_obs(self, stream):
        # Exactly 201; Location takes the place of its URL's path; candidates are in the answer;
        # DELETE at the end, with the key.
        answer = await stream.post_offer(
            stream.whip,
            offer_of("sendonly"),
            stream.key,
            **{"User-Agent": "Mozilla/5.0 (OBS-Studio/32.0.1; Linux; en-US)", "Accept": "*/*"},
        )
        assert answer.status_code == 201
        assert answer.headers["location"].startswith("/")
        assert "profile-level-id=42e01f" in answer.text
        bearer = {"Authorization": f"Bearer {stream.key}"}
        ended = await stream.ask("DELETE", answer.headers["location"], headers=bearer)
        assert ended.status_code == 200

    async def test_ffmpeg(self, stream):
        # libavformat/whip.c: the answer has to begin with "v=" and to have at most 8,192 bytes,
        # with ice-ufrag, ice-pwd and a host candidate over UDP, of which it takes the first.
        answer = await stream.publish(offer_of("sendonly", setup="passive"))
        assert answer.status_code == 201
        assert answer.text.startswith("v=")
        assert len(answer.content) < 8_192
        assert "a=setup:active" in answer.text
        lines = answer.text.splitlines()
        first = next(line for line in lines if line.startswith("a=candidate:"))
        _, _, protocol, _, host, port, _, kind = first.split()[:8]
        assert (protocol.lower(), host, port, kind) == ("udp", "192.0.2.7", "8189", "host")
        party = stream.party_of(answer)
        assert party.connect(stream.house.now).session.peer.state is PeerState.CONNECTED

    async def test_browsers_of_another_origin(self, stream):
        answer = await stream.ask("OPTIONS", stream.whip, headers=PREFLIGHT)
        assert answer.status_code == 200
        answer = await stream.publish()
        exposed = answer.headers["access-control-expose-headers"].split(", ")
        assert {"Location", "ETag", "Link", "Accept-Patch"} <= set(exposed)
