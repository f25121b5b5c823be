"""A process of publishers who leave out a packet in front of each burst, as if it had been lost.

It says that it has sent what it has sent, so only the numbers tell.
"""

from loadtest.live.camera import Camera
from loadtest.live.orders import Publish, Rest, Send, Tell
from loadtest.live.publisher import Studio
from loadtest.worker import work


class Skipping(Camera):
    """One that does so."""

    def send(self, burst: int, due: float) -> int:
        self._publisher.sources["video", ""].skip()
        return super().send(burst, due)


if __name__ == "__main__":
    studio = Studio(camera=Skipping)
    work(Publish | Send | Tell | Rest, studio.do, studio.end)
