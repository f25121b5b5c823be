"""The SDK in Node: its own tests, and what it has to have in common with protocol/."""

import json
import re
import subprocess
from pathlib import Path
from typing import Any, get_args

import msgspec
import pytest
from msgspec import NODEFAULT, UNSET

from protocol import close, errors
from protocol.codec import to_builtins
from protocol.events import AnyRoomEvent
from protocol.exports import Export
from protocol.feed_events import AnyFeedEvent, NewComment, NewPost, PostUpdated
from protocol.posts import (
    Author,
    Comment,
    Media,
    Person,
    Poll,
    PollOption,
    Post,
    PostVersion,
    Preview,
    Profile,
    Relationship,
    Variant,
)
from protocol.records import Attachment, Room
from protocol.stream_events import AnyStreamEvent, StreamStarted
from protocol.streams import Stream, StreamHealth, TrackHealth

HERE = Path(__file__).parent
SDK = HERE.parent.parent.parent / "web/sdk"

pytestmark = pytest.mark.browser


def run(node: str, *arguments: str, text: str = "") -> str:
    finished = subprocess.run(
        [node, *arguments],
        check=False,
        cwd=HERE,
        input=text,
        capture_output=True,
        text=True,
    )
    assert finished.returncode == 0, finished.stdout + finished.stderr
    return finished.stdout


def evaluate(node: str, module: str, expression: str, given: Any = None) -> Any:
    """The value of an expression over what a module of the SDK exports, `m`, and `given`."""
    script = f"""
        import {{ readFileSync }} from "node:fs";
        import * as m from "{(SDK / module).as_uri()}";
        const given = JSON.parse(readFileSync(0));
        console.log(JSON.stringify({expression}));
    """
    return json.loads(run(node, "--input-type=module", "--eval", script, text=json.dumps(given)))


@pytest.mark.parametrize("path", sorted(HERE.glob("*.test.js")), ids=lambda path: path.name)
def test_what_node_tests(node: str, path: Path) -> None:
    run(node, "--test", str(path))


def test_every_error_code_is_known(node: str) -> None:
    passing, lasting = evaluate(node, "errors.js", "[[...m.PASSING], [...m.LASTING]]")
    assert set(passing) == {code for code, spec in errors.CATALOGUE.items() if spec.retry}
    assert set(lasting) == {code for code, spec in errors.CATALOGUE.items() if not spec.retry}


def test_close_codes_mean_the_same(node: str) -> None:
    codes = [*range(1000, 1016), *range(4000, 5000)]
    answers = evaluate(node, "close.js", "given.map(m.mayReconnect)", codes)
    assert answers == [close.may_reconnect(code) for code in codes]
    reasons = [close.with_delay(close.RESTART, seconds).reason for seconds in (0, 0.5, 30, 9999)]
    reasons += ["restart", "retry_after=", "retry_after=12345", "x; retry_after=1.2345"]
    assert evaluate(node, "close.js", "given.map(m.delayOf)", reasons) == [
        close.delay_of(reason) for reason in reasons
    ]


def whole(struct: type[msgspec.Struct], given: dict[str, Any]) -> dict[str, Any]:
    """A record with every default filled in."""
    fields = {}
    for field in msgspec.structs.fields(struct):
        if field.encode_name in given:
            continue
        default = field.default
        if field.default_factory is not NODEFAULT:
            default = field.default_factory()
        fields[field.encode_name] = None if default is UNSET else to_builtins(default)
    return fields | given


def required(struct: type[msgspec.Struct]) -> dict[str, Any]:
    """A record's fields without a default, each with some value; the SDK hands them through."""
    return {field.encode_name: "some" for field in msgspec.structs.fields(struct) if field.required}


def test_entries_get_the_defaults_of_the_protocol(node: str) -> None:
    placed = {"seq": 1, "event_id": "1", "at": "2026-01-01T00:00:00.000Z"}
    minimal, expected = [], []
    for struct in get_args(AnyRoomEvent):
        tag = {"t": struct.__struct_config__.tag}
        given = tag | placed | required(struct)
        minimal.append(given)
        expected.append(whole(struct, given))
    assert evaluate(node, "records.js", "given.map(m.entryOf)", minimal) == expected
    types = evaluate(node, "records.js", "m.ENTRY_TYPES")
    assert set(types) == {given["t"] for given in minimal}


def test_records_get_the_defaults_of_the_protocol(node: str) -> None:
    assert evaluate(node, "records.js", "m.roomOf(given)", required(Room)) == whole(
        Room, required(Room)
    )
    message = {"t": "message", "attachments": [required(Attachment)]}
    filled = evaluate(node, "records.js", "m.entryOf(given)", message)
    assert filled["attachments"] == [whole(Attachment, required(Attachment))]


def test_posts_get_the_defaults_of_the_protocol(node: str) -> None:
    author = required(Author)
    variant, media = required(Variant), required(Media)
    option, poll = required(PollOption), required(Poll)
    preview, post = required(Preview), required(Post) | {"author": author}
    given = post | {
        "media": [media | {"variants": [variant]}],
        "poll": poll | {"options": [option]},
        "preview": preview,
        "shared": post,
    }
    expected = whole(Post, given) | {
        "author": whole(Author, author),
        "media": [whole(Media, media) | {"variants": [whole(Variant, variant)]}],
        "poll": whole(Poll, poll) | {"options": [whole(PollOption, option)]},
        "preview": whole(Preview, preview),
        "shared": whole(Post, post) | {"author": whole(Author, author)},
    }
    assert evaluate(node, "posts.js", "m.postOf(given)", given) == expected
    comment = required(Comment)
    assert evaluate(node, "posts.js", "m.commentOf(given)", comment) == whole(Comment, comment)
    version = required(PostVersion) | {"media": [media]}
    assert evaluate(node, "posts.js", "m.versionOf(given)", version) == whole(
        PostVersion, version
    ) | {"media": [whole(Media, media)]}


def test_accounts_get_the_defaults_of_the_protocol(node: str) -> None:
    relationship, media = required(Relationship), required(Media)
    person = required(Person) | {"relationship": relationship}
    filled = whole(Person, person) | {"relationship": whole(Relationship, relationship)}
    assert evaluate(node, "profiles.js", "m.personOf(given)", person) == filled
    profile = required(Profile) | {"avatar_media": media, "banner": media}
    assert evaluate(node, "profiles.js", "m.profileOf(given)", profile) == whole(
        Profile, profile
    ) | {"avatar_media": whole(Media, media), "banner": whole(Media, media)}
    export = required(Export)
    assert evaluate(node, "profiles.js", "m.exportOf(given)", export) == whole(Export, export)


def test_events_of_feeds_are_those_of_the_protocol(node: str) -> None:
    post = required(Post) | {"author": required(Author)}
    parts = {NewPost: {"post": post}, PostUpdated: {"post": post}}
    parts |= {NewComment: {"comment": required(Comment)}}
    for struct in get_args(AnyFeedEvent):
        given = required(struct) | parts.get(struct, {})
        tag = {"t": struct.__struct_config__.tag}
        told = evaluate(node, "posts.js", "m.feedEventOf(given)", tag | given)
        assert told.keys() == {field.encode_name for field in msgspec.structs.fields(struct)}
    assert evaluate(node, "posts.js", "m.feedEventOf(given)", {"t": "feed.other"}) is None


def test_streams_get_the_defaults_of_the_protocol(node: str) -> None:
    owner, media, track = required(Author), required(Media), required(TrackHealth)
    stream = required(Stream) | {"owner": owner, "thumbnail": media}
    expected = whole(Stream, stream) | {
        "owner": whole(Author, owner),
        "thumbnail": whole(Media, media),
    }
    assert evaluate(node, "streams.js", "m.streamOf(given)", stream) == expected
    health = required(StreamHealth) | {"tracks": [track]}
    assert evaluate(node, "streams.js", "m.healthOf(given)", health) == whole(
        StreamHealth, health
    ) | {"tracks": [whole(TrackHealth, track)]}


def test_events_of_streams_are_those_of_the_protocol(node: str) -> None:
    stream = required(Stream) | {"owner": required(Author)}
    parts = {StreamStarted: {"stream": stream}}
    for struct in get_args(AnyStreamEvent):
        given = required(struct) | parts.get(struct, {})
        tag = {"t": struct.__struct_config__.tag}
        told = evaluate(node, "streams.js", "m.streamEventOf(given)", tag | given)
        assert told.keys() == {field.encode_name for field in msgspec.structs.fields(struct)}
    assert evaluate(node, "streams.js", "m.streamEventOf(given)", {"t": "stream.other"}) is None


DOCUMENT = (SDK.parent.parent / "docs/sdk-javascript.md").read_text()


def test_every_method_is_documented(node: str) -> None:
    names = evaluate(
        node,
        "plaza.js",
        """[...(function* () {
            const rest = new m.Rest("http://127.0.0.1:8080");
            const parts = Object.values(rest).filter((part) => typeof part === "object");
            const client = new m.Client(rest);
            for (const part of [client, client.feeds, ...parts]) {
                for (let of = part; of !== Object.prototype; of = Object.getPrototypeOf(of)) {
                    yield* Object.getOwnPropertyNames(of);
                }
            }
            yield* Object.keys(m);
        })()]""",
    )
    inner = {"constructor", "emit", "nextNonce", "rest", "mayReconnect"}
    assert {name for name in names if not re.search(rf"\b{name}\b", DOCUMENT)} <= inner


@pytest.mark.parametrize("code", re.findall(r"```js\n(.*?)```", DOCUMENT, re.DOTALL))
def test_the_examples_can_be_parsed(node: str, code: str) -> None:
    run(node, "--check", "--input-type=module", "-", text=code)
