"""Who sees what, over every route that shows posts: route by role, against a model of its own.

Each post says a word that stands nowhere else. Whoever may see the post finds the word in every
answer that could show it; whoever may not finds it in none, and is told just what is told of a post
that does not exist.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import asyncpg
import httpx
import pytest

from protocol.ids import Id
from protocol.posts import PostStatus, Visibility
from tests import social
from tests.server.rest.conftest import Client, Site

NOWHERE = Id(7)

# Everybody but the anonymous, who see nothing anywhere.
ROLES = ("owner", "stranger", "blocked", "blocking", "asked", "follower", "friend", "moderator")

UNPUBLISHED = (PostStatus.DRAFT, PostStatus.SCHEDULED)

# What is held back or not out yet is hidden whatever its visibility, but for moderators.
KINDS = (
    *((PostStatus.PUBLISHED, visibility) for visibility in Visibility),
    (PostStatus.DRAFT, Visibility.PUBLIC),
    (PostStatus.SCHEDULED, Visibility.PUBLIC),
    (PostStatus.UNDER_REVIEW, Visibility.PUBLIC),
    (PostStatus.FLAGGED, Visibility.PRIVATE),
    (PostStatus.DELETED, Visibility.PUBLIC),
)


class Piece(NamedTuple):
    """A post, and where it can be met.

    Attributes:
        word: in its text, and nowhere else.
        quote: a post of somebody whom all can see, that quotes it.
        comment: on it, by its author, with the word.
    """

    id: Id
    word: str
    tag: str
    visibility: Visibility
    status: PostStatus
    quote: Id
    comment: Id


class World(NamedTuple):
    """An author, their posts, and those who look at them."""

    author: Id
    is_open: bool
    pieces: list[Piece]
    viewers: dict[str, Client]


def sees(role: str, piece: Piece, *, is_open: bool) -> bool:
    """The rule, in words of its own."""
    if piece.status is PostStatus.DELETED:
        return False
    if role == "owner":
        return True
    if role == "moderator":
        return piece.status not in UNPUBLISHED and piece.visibility is not Visibility.PRIVATE
    if piece.status is not PostStatus.PUBLISHED or role in ("blocked", "blocking"):
        return False
    return {
        Visibility.PUBLIC: is_open or role in ("follower", "friend"),
        Visibility.FOLLOWERS: role in ("follower", "friend"),
        Visibility.FRIENDS: role == "friend",
        Visibility.PRIVATE: False,
    }[piece.visibility]


# --- the routes ----------------------------------------------------------------------------------

Address = Callable[[World, Piece], str]

# One post: what is shown of it, or not_found as of a post that does not exist.
OF_A_POST: dict[str, Address] = {
    "/posts/{post}": lambda world, piece: f"/posts/{piece.id}",
    "/posts/{post}/edits": lambda world, piece: f"/posts/{piece.id}/edits",
    "/posts/{post}/likes": lambda world, piece: f"/posts/{piece.id}/likes",
    "/posts/{post}/comments": lambda world, piece: f"/posts/{piece.id}/comments",
    "/comments/{comment}": lambda world, piece: f"/comments/{piece.comment}",
}
# Lists: the post is in them, or is not. To whom they can show it is the second.
EVERYBODY = frozenset(ROLES)
LISTS: dict[str, tuple[Address, frozenset[str]]] = {
    "/posts": (lambda world, piece: f"/posts?ids={piece.id}&ids={NOWHERE}", EVERYBODY),
    "/posts (a quote)": (lambda world, piece: f"/posts?ids={piece.quote}", EVERYBODY),
    "/accounts/{account}/posts": (
        lambda world, piece: f"/accounts/{world.author}/posts?limit=100",
        EVERYBODY,
    ),
    "/tags/{tag}/posts": (lambda world, piece: f"/tags/{piece.tag}/posts", EVERYBODY),
    "/me/bookmarks": (lambda world, piece: "/me/bookmarks?limit=100", EVERYBODY),
    "/feed": (
        lambda world, piece: "/feed?order=latest&limit=100",
        frozenset({"owner", "follower", "friend"}),
    ),
    "/feed (ranked)": (
        lambda world, piece: "/feed?order=ranked&limit=100",
        frozenset({"owner", "follower", "friend"}),
    ),
    "/me/drafts": (lambda world, piece: "/me/drafts?limit=100", frozenset({"owner"})),
    "/trends/posts": (lambda world, piece: "/trends/posts?span=24h", frozenset()),
}
# Lists in which published posts alone stand, or the others alone.
PUBLISHED_ONLY = {
    "/accounts/{account}/posts",
    "/tags/{tag}/posts",
    "/feed",
    "/feed (ranked)",
}
UNPUBLISHED_ONLY = {"/me/drafts"}

# Reads that show no post and nothing about one.
OTHER_READS = {
    "/accounts",
    "/accounts/{account}",
    "/accounts/{account}/followers",
    "/accounts/{account}/following",
    "/accounts/{account}/mutuals",
    "/me",
    "/me/blocks",
    "/me/exports/{export}",
    "/me/follow-requests",
    "/me/friends",
    "/me/mutes",
    "/me/relationships",
    "/me/settings",
    "/me/streams",
    "/rooms",
    "/rooms/{room}",
    "/rooms/{room}/bans",
    "/rooms/{room}/events",
    "/rooms/{room}/members",
    "/rooms/{room}/pins",
    "/rooms/{room}/receipts",
    "/search/messages",
    "/sessions",
    "/streams",
    "/streams/{stream}",
    "/streams/{stream}/health",
    "/trends/tags",
    "/uploads",
    "/uploads/{upload}",
}

WRITES: dict[str, tuple[str, Address, Any]] = {
    "like": ("PUT", lambda world, piece: f"/posts/{piece.id}/like", None),
    "unlike": ("DELETE", lambda world, piece: f"/posts/{piece.id}/like", None),
    "bookmark": ("PUT", lambda world, piece: f"/posts/{piece.id}/bookmark", None),
    "vote": ("PUT", lambda world, piece: f"/posts/{piece.id}/vote", {"options": [0]}),
    "share": ("POST", lambda world, piece: f"/posts/{piece.id}/share", None),
    "comment": ("POST", lambda world, piece: f"/posts/{piece.id}/comments", {"content": "Hm."}),
    "edit": ("PATCH", lambda world, piece: f"/posts/{piece.id}", {"content": "Mine."}),
    "delete": ("DELETE", lambda world, piece: f"/posts/{piece.id}", None),
    "like a comment": ("PUT", lambda world, piece: f"/comments/{piece.comment}/like", None),
}


# --- the world -----------------------------------------------------------------------------------


@pytest.fixture(params=[True, False], ids=["open", "closed"])
async def world(site: Site, request: pytest.FixtureRequest) -> World:
    """An author with an open profile, or a closed one."""
    people = {role: await site.sign_up(f"the_{role}") for role in ROLES}
    ids = {role: Id(int(person.id)) for role, person in people.items()}
    author = ids["owner"]
    async with site.database.transaction() as db:
        if not request.param:
            await db.execute(
                "UPDATE profiles SET visibility = 'followers' WHERE account_id = $1", author
            )
        await db.execute("UPDATE accounts SET moderator = true WHERE id = $1", ids["moderator"])
        await social.block(db, author, ids["blocked"])
        await social.block(db, ids["blocking"], author)
        await social.follow(db, ids["asked"], author, accepted=False)
        await social.follow(db, ids["follower"], author)
        await social.befriend(db, ids["friend"], author)
        narrator = await social.person(db, "the_narrator")
        pieces = [
            await _piece(db, author, narrator, visibility, status, list(ids.values()))
            for status, visibility in KINDS
        ]
    return World(author, request.param, pieces, dict(people))


async def _piece(
    db: asyncpg.Connection,
    author: Id,
    narrator: Id,
    visibility: Visibility,
    status: PostStatus,
    viewers: list[Id],
) -> Piece:
    word, tag = f"word_{status}_{visibility}", f"tag_{status}_{visibility}"
    post = await social.post(
        db, author, f"The {word}.", visibility=visibility, status=status, tags=[tag]
    )
    quote = await social.post(db, narrator, "As somebody says:", shared_id=post)
    comment = social.new_id()
    await db.execute(
        "INSERT INTO comments (id, post_id, author_id, content) VALUES ($1, $2, $3, $4)",
        comment,
        post,
        author,
        f"A {word}, I said.",
    )
    for viewer in viewers:
        await db.execute(
            "INSERT INTO bookmarks (account_id, post_id, id) VALUES ($1, $2, $3)",
            viewer,
            post,
            social.new_id(),
        )
    return Piece(post, word, tag, visibility, status, quote, comment)


# --- what has to hold ----------------------------------------------------------------------------


async def test_every_route_that_reads_is_looked_at(site: Site) -> None:
    document = (await site.anyone.get("/schema")).json()
    reads = {
        path.removeprefix("/api/v1")
        for path, item in document["paths"].items()
        if "get" in item and path.startswith("/api/v1/")
    }
    looked_at = {name.partition(" ")[0] for name in (*OF_A_POST, *LISTS)}
    assert reads == looked_at | OTHER_READS


async def test_who_sees_what(site: Site, world: World) -> None:
    await _a_post_or_nothing(world)
    await _lists(world)
    await _nothing_to_be_done(world)
    await _the_anonymous_see_nothing(site, world)


async def _a_post_or_nothing(world: World) -> None:
    for role, viewer in world.viewers.items():
        nothing = {
            name: await viewer.get(address(world, _nowhere(world)))
            for name, address in OF_A_POST.items()
        }
        for piece in world.pieces:
            for name, address in OF_A_POST.items():
                answer = await viewer.get(address(world, piece))
                where = f"{name}, {role}, {piece.status} {piece.visibility}"
                if sees(role, piece, is_open=world.is_open):
                    assert answer.status_code == 200, where
                else:
                    _assert_same(answer, nothing[name], where)
                    assert piece.word not in answer.text, where


async def _lists(world: World) -> None:
    for role, viewer in world.viewers.items():
        answers: dict[str, httpx.Response] = {}  # most of them are the same for all posts
        for piece in world.pieces:
            for name, (address, shown_to) in LISTS.items():
                url = address(world, piece)
                if url not in answers:
                    answers[url] = await viewer.get(url)
                answer = answers[url]
                assert answer.status_code == 200, url
                where = f"{name}, {role}, {piece.status} {piece.visibility}"
                may = sees(role, piece, is_open=world.is_open)
                if not may or role not in shown_to:
                    assert piece.word not in answer.text, where
                elif _stands_in(name, piece):
                    assert piece.word in answer.text, where


async def _nothing_to_be_done(world: World) -> None:
    for role, viewer in world.viewers.items():
        hidden = [each for each in world.pieces if not sees(role, each, is_open=world.is_open)]
        for method, address, body in WRITES.values():
            nothing = await viewer.request(method, address(world, _nowhere(world)), json=body)
            for piece in hidden:
                answer = await viewer.request(method, address(world, piece), json=body)
                where = f"{method} {address(world, piece)}: {role}, {piece.status}"
                _assert_same(answer, nothing, where)


async def _the_anonymous_see_nothing(site: Site, world: World) -> None:
    for address in (*OF_A_POST.values(), *(address for address, _ in LISTS.values())):
        for piece in world.pieces[:1]:
            assert (await site.anyone.get(address(world, piece))).status_code == 401


def _stands_in(name: str, piece: Piece) -> bool:
    if name in PUBLISHED_ONLY:
        return piece.status is PostStatus.PUBLISHED
    if name in UNPUBLISHED_ONLY:
        return piece.status in UNPUBLISHED
    return True


def _nowhere(world: World) -> Piece:
    return world.pieces[0]._replace(id=NOWHERE, comment=NOWHERE)


def _assert_same(answer: httpx.Response, nothing: httpx.Response, where: str) -> None:
    """Hidden and absent cannot be told apart."""
    assert (answer.status_code, answer.content) == (nothing.status_code, nothing.content), where
