"""Threads of comments, whatever is done to them, are those of a model in memory."""

from typing import NamedTuple

import asyncpg
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from persistence import comments
from persistence.comments import NewComment
from persistence.database import Database
from protocol.ids import Id
from tests import social
from tests.persistence.thread_model import Thread, check_counters, delete


class Step(NamedTuple):
    """Something is done to a comment that stands: the one at `place`, counted around."""

    what: str
    place: int
    person: int


STEPS = st.lists(
    st.builds(
        Step,
        st.sampled_from(["write", "answer", "answer", "delete", "delete", "like", "unlike"]),
        st.integers(0, 30),
        st.integers(0, 2),
    ),
    max_size=40,
)


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=STEPS)
async def test_rows_and_counters_are_those_of_the_model(
    database: Database, steps: list[Step]
) -> None:
    async with database.connection() as db:
        example = db.transaction()
        await example.start()
        people = [await social.person(db) for _ in range(3)]
        post = await social.post(db, people[0])
        thread = Thread()
        for step in steps:
            await take(db, thread, post, people[step.person], step)
            rows = await db.fetch("SELECT * FROM comments WHERE post_id = $1", post)
            found = {
                row["id"]: (
                    *(row["parent_id"], row["deleted_at"] is not None),
                    *(row["likes"], row["replies"]),
                )
                for row in rows
            }
            assert found == thread.rows()
            counted = await db.fetchval(
                "SELECT comments FROM post_counters WHERE post_id = $1", post
            )
            assert counted == len(thread.standing())
        await check_counters(db)
        await example.rollback()


async def take(db: asyncpg.Connection, thread: Thread, post: Id, person: Id, step: Step) -> None:
    standing = thread.standing()
    one = standing[step.place % len(standing)] if standing else None
    if step.what in ("write", "answer"):
        parent = one if step.what == "answer" else None
        new = social.new_id()
        await comments.add(db, NewComment(new, post, person, parent, "x", ()))
        thread.write(new, parent)
    elif one is None:
        return
    elif step.what == "delete":
        await delete(db, one)
        thread.delete(one)
    elif step.what == "like":
        await comments.like(db, person, one)
        thread.likes[one].add(person)
    else:
        await comments.unlike(db, person, one)
        thread.likes[one].discard(person)
