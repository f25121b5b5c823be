"""What a post may be."""

import unicodedata
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from feed_push.composition import (
    MAX_CONTENT,
    MAX_IMAGES,
    MAX_LINK,
    MAX_MENTIONS,
    MAX_OPTION,
    MAX_WARNING,
    Wanted,
    WantedPoll,
    check_poll_time,
    check_publication,
    compose,
    compose_poll,
)
from protocol.errors import BAD_REQUEST, PlazaError
from protocol.ids import Id
from protocol.posts import PostStatus, PostType

NOW = datetime(2026, 11, 22, 18, 51, tzinfo=UTC)
LINK = "https://example.org/a?b=c#d"
WHOLE = {
    PostType.TEXT: {"content": "Good morning."},
    PostType.IMAGE: {"media": (Id(1), Id(2))},
    PostType.VIDEO: {"media": (Id(1),)},
    PostType.LINK: {"link": LINK},
    PostType.POLL: {"content": "Tea?"},
}


def wanted(type_=PostType.TEXT, **fields):
    return Wanted(type=type_, **WHOLE[type_] | fields)


def refused(call, *arguments, **named):
    with pytest.raises(PlazaError) as caught:
        call(*arguments, **named)
    assert caught.value.spec is BAD_REQUEST
    assert caught.value.message.endswith(".")
    return caught.value.message


@pytest.mark.parametrize("type_", PostType)
class TestTypes:
    def test_what_each_needs_is_enough(self, type_):
        composed = compose(wanted(type_))
        assert composed.type is type_

    def test_what_each_needs_is_needed(self, type_):
        assert type_.value in refused(compose, Wanted(type=type_))

    def test_a_draft_may_be_unfinished(self, type_):
        assert compose(Wanted(type=type_, status=PostStatus.DRAFT)).content == ""

    @pytest.mark.parametrize("status", [PostStatus.SCHEDULED, PostStatus.PUBLISHED])
    def test_a_quote_has_a_text(self, type_, status):
        post = wanted(type_, shared=Id(7), status=status, content="")
        refused(compose, post)
        compose(replace(post, content="So true."))

    def test_links_are_for_links(self, type_):
        if type_ is not PostType.LINK:
            refused(compose, wanted(type_, link=LINK))
            refused(compose, wanted(type_, link=LINK, status=PostStatus.DRAFT))

    def test_media_are_for_images_and_videos(self, type_):
        most = {PostType.IMAGE: MAX_IMAGES, PostType.VIDEO: 1}.get(type_, 0)
        media = tuple(map(Id, range(1, most + 2)))
        if most:
            assert compose(wanted(type_, media=media[:most])).media == media[:most]
        refused(compose, wanted(type_, media=media))

    def test_polls_are_for_polls(self, type_):
        is_poll = type_ is PostType.POLL
        poll = WantedPoll(options=("yes", "no"))
        right, wrong = (poll, None) if is_poll else (None, poll)
        assert compose_poll(wanted(type_, poll=right), now=NOW) == right
        refused(compose_poll, wanted(type_, poll=wrong), now=NOW)
        refused(compose_poll, wanted(type_, poll=wrong, status=PostStatus.DRAFT), now=NOW)


class TestText:
    def test_is_normalised_and_parsed(self):
        post = compose(wanted(content=" Cafe\u0301 @Ada\r\n#Looms @ada @bob \n", warning=" Looms "))
        assert post.content == "Café @Ada\n#Looms @ada @bob"
        assert post.warning == "Looms"
        assert post.tags == ("looms",)
        assert post.names == ("ada", "bob")

    def test_empty_warnings_are_none(self):
        assert compose(wanted(warning="  ")).warning is None

    def test_mentions_are_finite(self):
        text = " ".join(f"@name_{number}" for number in range(MAX_MENTIONS + 9))
        assert len(compose(wanted(content=text)).names) == MAX_MENTIONS

    @pytest.mark.parametrize(
        ("field", "limit"), [("content", MAX_CONTENT), ("warning", MAX_WARNING)]
    )
    def test_is_as_long_as_it_may_be(self, field, limit):
        text = "e\u0301" * limit
        assert getattr(compose(wanted(**{field: text})), field) == "é" * limit
        assert str(limit + 1)[-3:] in refused(compose, wanted(**{field: text + "x"}))

    @pytest.mark.parametrize("character", ["\x00", "\x1b", "\x7f", "\x85", "\r", "\ud800"])
    @pytest.mark.parametrize("field", ["content", "warning", "link"])
    def test_has_no_controls(self, field, character):
        type_ = PostType.LINK if field == "link" else PostType.TEXT
        message = refused(compose, wanted(type_, **{field: f"https://a{character}b"}))
        assert f"U+{ord(character):04X}" in message

    def test_a_warning_is_a_line(self):
        refused(compose, wanted(warning="a\nb"))

    @given(st.text())
    def test_what_is_kept_is_kept_as_it_is(self, text):
        try:
            once = compose(wanted(content=text, warning=text[:MAX_WARNING]))
        except PlazaError:  # with a control character, or empty
            return
        assert compose(wanted(content=once.content, warning=once.warning)) == once
        assert unicodedata.is_normalized("NFC", once.content)
        assert once.content == once.content.strip()


class TestLinks:
    @pytest.mark.parametrize(
        "link",
        [LINK, "http://example.org", "HTTPS://EXAMPLE.ORG:8080/", "https://bücher.example/?q=ä"],
    )
    def test_are_addresses(self, link):
        assert compose(wanted(PostType.LINK, link=f" {link} ")).link == link

    @pytest.mark.parametrize(
        "link",
        [
            "ftp://example.org", "javascript:alert(1)", "https://", "https:///a", "example.org",
            "https://a b", "https://user:secret@example.org/", "https://a\\@b", "https://a?\u2028",
        ],
    )  # fmt: skip
    def test_and_nothing_else(self, link):
        refused(compose, wanted(PostType.LINK, link=link))

    def test_have_an_end(self):
        link = LINK + "x" * (MAX_LINK - len(LINK))
        assert compose(wanted(PostType.LINK, link=link)).link == link
        refused(compose, wanted(PostType.LINK, link=link + "x"))

    def test_no_upload_is_shown_twice(self):
        refused(compose, wanted(PostType.IMAGE, media=(Id(1), Id(1))))


class TestPolls:
    def poll(self, *options, **fields):
        return wanted(PostType.POLL, poll=WantedPoll(options=options or ("yes", "no"), **fields))

    def test_options_are_normalised(self):
        poll = compose_poll(self.poll(" Cafe\u0301", "Tea ", multiple=True), now=NOW)
        assert poll == WantedPoll(options=("Café", "Tea"), multiple=True)

    @pytest.mark.parametrize(
        "options",
        [
            ("yes",), tuple("abcdefg"), ("yes", ""), ("yes", "  "), ("yes", "Yes "),
            ("yes", "x" * (MAX_OPTION + 1)), ("yes", "a\nb"), ("yes", "\x00"),
        ],
    )  # fmt: skip
    def test_options_are_few_short_and_different(self, options):
        refused(compose_poll, self.poll(*options), now=NOW)

    def test_are_open_for_good_or_for_a_while(self):
        for fields in (
            {},
            {"seconds": 300},
            {"closes_at": NOW + timedelta(minutes=5)},
            {"closes_at": NOW + timedelta(days=366)},
        ):
            assert compose_poll(self.poll(**fields), now=NOW) is not None

    def test_and_neither_shorter_nor_longer(self):
        for fields in (
            {"seconds": 299},
            {"seconds": 366 * 86_400 + 1},
            {"closes_at": NOW + timedelta(seconds=299)},
            {"closes_at": NOW + timedelta(days=367)},
            {"seconds": 300, "closes_at": NOW + timedelta(minutes=5)},
        ):
            refused(compose_poll, self.poll(**fields), now=NOW)

    def test_their_time_begins_when_they_are_published(self):
        post = replace(
            self.poll(closes_at=NOW + timedelta(hours=1)), publish_at=NOW + timedelta(minutes=58)
        )
        refused(compose_poll, post, now=NOW)
        compose_poll(replace(post, publish_at=NOW + timedelta(minutes=55)), now=NOW)
        refused(check_poll_time, timedelta())


class TestPublication:
    def test_is_later_and_at_most_in_a_year(self):
        for seconds in (1, 366 * 86_400):
            publish_at = NOW + timedelta(seconds=seconds)
            check_publication(PostStatus.SCHEDULED, publish_at, now=NOW)
        for seconds in (-1, 0, 366 * 86_400 + 1):
            publish_at = NOW + timedelta(seconds=seconds)
            refused(check_publication, PostStatus.SCHEDULED, publish_at, now=NOW)

    def test_is_set_for_what_is_scheduled_alone(self):
        refused(check_publication, PostStatus.SCHEDULED, None, now=NOW)
        for status in (PostStatus.DRAFT, PostStatus.PUBLISHED):
            check_publication(status, None, now=NOW)
            refused(check_publication, status, NOW + timedelta(hours=1), now=NOW)
