"""What is said of posts, feed by feed."""

from feed_push import pushes
from feed_push.news import Change, Gone
from feed_push.pushes import Push
from protocol.events import Event
from protocol.feed_events import NewComment, NewPost, PostCounters, PostDeleted, PostUpdated
from protocol.ids import Id
from protocol.posts import Author, Comment, Post, PostType, Visibility
from tests.feed_push.watchers import Format

ADA = Author(id=Id(1), username="ada")
AT = "2026-11-22T18:52:30.512Z"
ORIGINAL = Post(id=Id(10), author=ADA, type=PostType.TEXT, at=AT, content="The first.")


def post(**fields: object) -> Post:
    given = {"id": Id(11), "author": ADA, "type": PostType.TEXT, "at": AT, "content": "Good."}
    return Post(**{**given, **fields})  # type: ignore[arg-type]


def change(*, new: bool = False, left: tuple[str, ...] = ()) -> Change:
    made = Change()
    made.new, made.edited = new, not new
    made.left.update(left)
    return made


def says(push: Push, *, whole: bool = True) -> Event | None:
    wire = Format()
    frame = push.frame(wire, whole=whole)
    return None if frame is None else wire.encoded[0]


def test_a_new_post_goes_to_each_of_its_feeds() -> None:
    new = post(tags=["yarn", "looms", "yarn"])
    made = pushes.of_post(new, change(new=True))
    assert [push.feed for push in made] == ["home", "author:1", "tag:looms", "tag:yarn", "post:11"]
    assert [says(push) for push in made] == [NewPost(feed=push.feed, post=new) for push in made]
    assert {(push.post, push.author, push.comment) for push in made} == {(11, 1, 0)}


def test_an_edited_post_leaves_the_feeds_of_hashtags_that_it_lost() -> None:
    edited = post(tags=["looms"])
    made = pushes.of_post(edited, change(left=("yarn", "looms", "dye")))
    assert [says(push) for push in made[:-2]] == [
        PostUpdated(feed=feed, post=edited) for feed in ("home", "author:1", "tag:looms", "post:11")
    ]
    assert [says(push) for push in made[-2:]] == [
        PostDeleted(feed=f"tag:{tag}", post=Id(11)) for tag in ("dye", "yarn")
    ]


def test_what_is_gone_leaves_all_its_feeds() -> None:
    made = pushes.of_gone(Id(11), Gone(ADA.id, frozenset({"looms"}), Visibility.PUBLIC))
    assert [says(push) for push in made] == [
        PostDeleted(feed=feed, post=Id(11)) for feed in ("home", "author:1", "tag:looms", "post:11")
    ]


def test_a_plain_share_is_for_those_who_see_what_it_shares() -> None:
    share = post(content="", shared_id=ORIGINAL.id, shared=ORIGINAL)
    for push in pushes.of_post(share, change(new=True)):
        assert says(push) == NewPost(feed=push.feed, post=share)
        assert says(push, whole=False) is None


def test_a_quote_without_what_it_quotes_is_for_the_others() -> None:
    quote = post(shared_id=ORIGINAL.id, shared=ORIGINAL)
    for push in pushes.of_post(quote, change(new=True)):
        assert says(push) == NewPost(feed=push.feed, post=quote)
        bare = says(push, whole=False)
        assert bare == NewPost(feed=push.feed, post=post(shared_id=ORIGINAL.id))


def test_each_form_is_encoded_once_for_each_format() -> None:
    one, other = Format(), Format()
    quote, plain = post(shared_id=ORIGINAL.id, shared=ORIGINAL), post()
    for made, times in ((quote, 2), (plain, 1)):
        push = pushes.of_post(made, change(new=True))[0]
        one.encoded.clear()
        other.encoded.clear()
        for _ in range(3):
            for wire in (one, other):
                push.frame(wire, whole=True)
                push.frame(wire, whole=False)
        assert (len(one.encoded), len(other.encoded)) == (times, times)


def test_comments_and_counters_are_of_the_post_alone() -> None:
    comment = Comment(id=Id(21), post=Id(11), at=AT, author=ADA, content="Nice.")
    push = pushes.of_comment(comment)
    assert (push.feed, push.post, push.comment) == ("post:11", 11, 21)
    assert says(push) == says(push, whole=False) == NewComment(comment=comment)
    counters = PostCounters(post=Id(11), likes=1, comments=0, shares=0)
    push = pushes.of_counters(counters)
    assert (push.feed, push.post, push.comment) == ("post:11", 11, 0)
    assert says(push) == says(push, whole=False) == counters
