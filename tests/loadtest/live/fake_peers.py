"""Processes of publishers and viewers that are not there: what they would say is reckoned.

Each publisher has sent a hundred packets whenever it is asked, and every viewer has them.
"""

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager

from loadtest.crowd.orders import Person
from loadtest.live.orders import Publish, Rest, Seen, Send, Sent, Tell, Watch
from loadtest.live.peers import Told
from loadtest.live.streams import Stream
from loadtest.scenario import Load
from loadtest.target import Target

PACKETS = 100
LATENCY = 1_000  # microseconds


class FakePeers:
    """Those of a run.

    Args:
        target: tells what the server uses.
        spoil: is given what was seen each second, with the order before it; what goes wrong.

    Attributes:
        paces: that were sent at.
    """

    at_once = 20

    def __init__(self, target: Target, spoil: Callable[[Seen, Send], None]) -> None:
        self._target = target
        self._spoil = spoil
        self._viewers = 0
        self._refused = 0
        self._publishing = 0
        self._sent = 0
        self._is_sending = False
        self.paces: list[Send] = []

    async def publish(self, order: Publish | Send) -> Sent:
        if isinstance(order, Publish):
            self._publishing += order.key != "wrong"
        else:
            self.paces.append(order)
            self._sent, self._is_sending = 0, True
        problems = ["NotTaken: 401"] if isinstance(order, Publish) and order.key == "wrong" else []
        return Sent(publishing=self._publishing, problems=problems)

    async def join(self, viewers: Sequence[Watch], *, sample: int) -> list[Seen]:
        came = [one for one in viewers if one.url != "nowhere"]
        self._viewers += len(came)
        self._refused += len(viewers) - len(came)
        return [self._seen(connects={LATENCY: len(came)})]

    async def told(self, order: Tell | Rest) -> Told:
        seen = self._seen()
        if self._is_sending:
            packets = PACKETS * self._viewers // self._publishing
            self._sent += PACKETS
            seen.packets = packets
            seen.timed = {LATENCY: packets}
            self._spoil(seen, self.paces[-1])
            self._is_sending = isinstance(order, Tell)
        sent = Sent(self._sent, 1.0, self._publishing)
        return Told(sent, [seen], await self._target.vitals())

    def _seen(self, connects: dict[int, int] | None = None) -> Seen:
        return Seen(
            connected=self._viewers,
            refused=self._refused,
            problems=["NotTaken: 404"] * min(self._refused, 1),
            connects=connects or {},
        )


class FakeStreams:
    """Streams that nobody has made.

    Args:
        key: of all of them.
    """

    def __init__(self, key: str = "key") -> None:
        self._key = key

    async def __aenter__(self) -> "FakeStreams":
        return self

    async def __aexit__(self, *exception: object) -> None:
        pass

    async def make(self, person: Person) -> Stream:
        return Stream(person.account, "publish", self._key, "play", person.token)


def opening(
    made: list[FakePeers], spoil: Callable[[Seen, Send], None] = lambda seen, pace: None
) -> Callable[[Target, Load], object]:
    """In the place of `loadtest.live.peers.opened`.

    Args:
        made: gets those that are opened.
        spoil: see FakePeers.
    """

    @asynccontextmanager
    async def opened(target: Target, load: Load) -> AsyncIterator[FakePeers]:
        made.append(FakePeers(target, spoil))
        yield made[-1]

    return opened
