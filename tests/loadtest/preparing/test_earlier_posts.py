import httpx
import pytest

from loadtest.deployment import Deployment
from loadtest.endpoint import TargetError
from loadtest.preparing.bulk import BulkPreparation
from loadtest.preparing.earlier_posts import publish

PEOPLE, FOLLOWS, POSTS = 4, 2, 3


async def test_timelines_have_what_everybody_has_published(deployment: Deployment) -> None:
    told: list[tuple[str, int, int]] = []
    preparation = BulkPreparation(deployment, lambda *_: None)
    people = await preparation.people(PEOPLE)
    await preparation.follow(people, FOLLOWS)

    await publish(deployment.url, people, POSTS, lambda *step: told.append(step))

    assert told[-1] == ("Filling timelines", PEOPLE, PEOPLE)
    async with httpx.AsyncClient(base_url=deployment.url) as http:
        for person in people:
            headers = {"Authorization": f"Bearer {person.token}"}
            page = (await http.get("/api/v1/feed", headers=headers)).json()
            assert len(page["items"]) == (FOLLOWS + 1) * POSTS


async def test_who_may_not_post_is_told_why(deployment: Deployment) -> None:
    preparation = BulkPreparation(deployment, lambda *_: None)
    [person] = await preparation.people(1)
    stranger = type(person)(account=person.account, token="nobody's")

    with pytest.raises(TargetError, match="A post cannot be published"):
        await publish(deployment.url, [stranger], 1, lambda *_: None)
