"""The events of a client, as an asynchronous iterator."""

from plaza_client.delivery import Delivery
from plaza_client.errors import ClientClosed
from plaza_client.wire import ClientEvent


class EventStream:
    """Yields events until the client is closed.

    Not a generator: a generator that is cancelled while it waits, by a timeout around `anext`, is
    finished for good; this goes on.
    """

    def __init__(self, delivery: Delivery) -> None:
        self._delivery = delivery

    def __aiter__(self) -> "EventStream":
        return self

    async def __anext__(self) -> ClientEvent:
        try:
            return await self._delivery.next()
        except ClientClosed:
            raise StopAsyncIteration from None
