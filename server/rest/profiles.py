"""/accounts/{account}: what an account shows of itself."""

from litestar import Controller, get, patch
from litestar.params import JSONBody
from msgspec import UNSET, structs

from protocol import errors
from protocol.posts import Profile
from server.profiles import Profiles
from server.rest.errors import refusals
from server.rest.parameters import AccountId
from server.rest.people_bodies import ProfileChanges
from server.rest.wire import Injected
from server.tokens import Claims

SHOW = """\
Everybody sees names, pictures, pronouns, bio, location, website and the counters, also of an \
account that lets its followers in one by one. Birthday and interests are there for those whom the \
account lets see them: `public` (of such an account: its followers), `followers`, `friends`, or \
nobody (`private`), as they are at first.

An account that has blocked one is not there. Of an account that one has blocked oneself there are \
only the names, and `relationship`.\
"""

CHANGE = """\
What is left out stays as it is. One changes one's own; moderators may change `verified`, also of \
others.

With `visibility` followers, whoever wants to follow has to be let in, and others see no posts. \
Going back to public lets in everybody who waits.

`avatar` and `banner` are ids of uploads.\
"""


class ProfilePages(Controller):
    """Profiles."""

    path = "/accounts/{account:str}"
    tags = ["accounts"]

    @get(summary="Show a profile", description=SHOW, responses=refusals(errors.NOT_FOUND))
    async def show_account(
        self, account: AccountId, caller: Injected[Claims], profiles: Injected[Profiles]
    ) -> Profile:
        """Show a profile."""
        return await profiles.show(caller.account, account)

    @patch(
        summary="Change a profile",
        description=CHANGE,
        responses=refusals(errors.NOT_FOUND, errors.FORBIDDEN),
    )
    async def change_account(
        self,
        account: AccountId,
        data: JSONBody[ProfileChanges],
        caller: Injected[Claims],
        profiles: Injected[Profiles],
    ) -> Profile:
        """Change a profile."""
        given = {
            field: value for field, value in structs.asdict(data).items() if value is not UNSET
        }
        return await profiles.change(caller.account, account, given)
