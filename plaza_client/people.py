"""The people whom an account has to do with: who is here, whom it does not want to hear, and what
it says of itself. Pure: events in, state out.
"""

from plaza_client.wire import ClientEvent
from protocol.events import PresenceChanged, Ready, RelationChanged, SettingsChanged
from protocol.ids import Id
from protocol.records import PresenceState


class People:
    """What a client knows about people.

    Attributes:
        presence: account -> what it is now and was told last, for those who are not offline.
        blocked: accounts that one has blocked.
        muted: accounts whose messages one does not want to see.
        busy: as set with `Client.set_presence`, on any device.
        hidden: likewise.
    """

    def __init__(self) -> None:
        self.presence: dict[Id, PresenceChanged] = {}
        self.blocked: set[Id] = set()
        self.muted: set[Id] = set()
        self.busy = False
        self.hidden = False

    def renew(self, ready: Ready) -> None:
        """Take over what a new connection was told. Who is not offline is told after it."""
        self.presence.clear()
        self.blocked = set(ready.blocked)
        self.muted = set(ready.muted)
        self.busy, self.hidden = ready.busy, ready.hidden

    def apply(self, event: ClientEvent) -> None:
        """Take in an event."""
        if isinstance(event, PresenceChanged):
            if event.state is PresenceState.OFFLINE:
                self.presence.pop(event.account, None)
            else:
                self.presence[event.account] = event
        elif isinstance(event, RelationChanged):
            _put(self.blocked, event.account, event.blocked)
            _put(self.muted, event.account, event.muted)
        elif isinstance(event, SettingsChanged):
            self.busy, self.hidden = event.busy, event.hidden


def _put(accounts: set[Id], account: Id, there: bool) -> None:
    (accounts.add if there else accounts.discard)(account)
