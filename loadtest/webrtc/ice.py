"""The controlling side of ICE (RFC 8445), and consent (RFC 7675), to a lite agent or a full one.

As browsers do with a lite peer, each check nominates (USE-CANDIDATE): the first that is answered is
the path. STUN messages are aioice's.
"""

from random import Random

from aioice import stun

from loadtest.webrtc.description import Address, Answer, Local

# RFC 8445, 14.2: one check each Ta; 14.3: repeated after an RTO that doubles.
PACE = 0.05
RETRY_FIRST = 0.5
RETRY_MOST = 3.0
CONSENT_INTERVAL = 2.5
CONSENT_TIMEOUT = 30.0

# Host candidate, component 1 (RFC 8445, 5.1.2.1), seen from a peer-reflexive one.
_PRIORITY = (110 << 24) | (65_535 << 8) | 255
_PENDING_MOST = 64


class Agent:
    """Checks the candidates of an answer until one answers, and that one for as long as it lasts.

    Args:
        local: our credentials.
        answer: the peer's credentials and candidates.
        chance: for transaction ids and the tie-breaker.
        now: seconds, of any monotonic clock; the same one everywhere.

    Attributes:
        selected: the address that answered first; None: none has yet.
        reflexive: our own address, as the peer has seen it.
        consent: when a check was last answered.
        round_trip: seconds, of the last answered check.
        due: when `run` has to be called next.
    """

    def __init__(self, local: Local, answer: Answer, chance: Random, now: float) -> None:
        self._local = local
        self._remote_pwd = answer.pwd.encode()
        self._username = f"{answer.ufrag}:{local.ufrag}"
        self._chance = chance
        self._tie_breaker = chance.getrandbits(64)
        self._candidates = answer.candidates
        self._pending: dict[bytes, tuple[Address, float]] = {}
        self._next = {
            candidate: (now + number * PACE, RETRY_FIRST)
            for number, candidate in enumerate(answer.candidates)
        }
        self._began = now
        self.selected: Address | None = None
        self.reflexive: Address | None = None
        self.consent: float | None = None
        self.round_trip: float | None = None
        self.outgoing: list[tuple[bytes, Address]] = []

    @property
    def due(self) -> float:
        """When `run` has to be called next."""
        return min((when for when, _ in self._next.values()), default=float("inf"))

    def expired(self, now: float) -> bool:
        """Whether it has not answered for so long that nothing may be sent (RFC 7675, 5.1)."""
        last = self._began if self.consent is None else self.consent
        return now - last > CONSENT_TIMEOUT

    def run(self, now: float) -> None:
        """Send the checks that are due."""
        for candidate, (when, interval) in list(self._next.items()):
            if when > now:
                continue
            self._check(candidate, now)
            if self.selected is None:
                self._next[candidate] = (now + interval, min(2 * interval, RETRY_MOST))
            else:
                # RFC 7675, 5.1: spread by a fifth, so that checks of many do not fall together.
                wait = CONSENT_INTERVAL * self._chance.uniform(0.8, 1.2)
                self._next[candidate] = (now + wait, RETRY_FIRST)

    def address_changed(self, now: float) -> None:
        """Our own address is another one now: check the path at once, until it answers."""
        targets = self._candidates if self.selected is None else (self.selected,)
        self._pending.clear()
        for target in targets:
            self._check(target, now)
            self._next[target] = (now + RETRY_FIRST / 5, RETRY_FIRST)

    def receive(self, data: bytes, source: Address, now: float) -> None:
        """A STUN message. What is not authentic is ignored."""
        try:
            message = stun.parse_message(data)
        except (ValueError, UnicodeDecodeError):
            return
        if message.message_class == stun.Class.RESPONSE:
            self._answered(message, source, now)
        elif message.message_class == stun.Class.REQUEST:
            self._answer(message, source)

    def _check(self, target: Address, now: float) -> None:
        request = stun.Message(
            stun.Method.BINDING,
            stun.Class.REQUEST,
            transaction_id=self._chance.randbytes(12),
            attributes={
                "USERNAME": self._username,
                "PRIORITY": _PRIORITY,
                "ICE-CONTROLLING": self._tie_breaker,
                "USE-CANDIDATE": None,
            },
        )
        request.add_message_integrity(self._remote_pwd)
        while len(self._pending) >= _PENDING_MOST:
            del self._pending[next(iter(self._pending))]
        self._pending[request.transaction_id] = (target, now)
        self.outgoing.append((bytes(request), target))

    def _answered(self, message: stun.Message, source: Address, now: float) -> None:
        # RFC 8445, 7.2.5.2.1: an answer from another address than was asked is no success.
        target, sent = self._pending.get(message.transaction_id, (None, 0.0))
        if target != source or not message.check_message_integrity(self._remote_pwd):
            return
        del self._pending[message.transaction_id]
        self.round_trip = now - sent
        self.consent = now
        self.reflexive = message.attributes.get("XOR-MAPPED-ADDRESS")
        if self.selected is None:
            self.selected = source
            self._next.clear()
        if source == self.selected:
            wait = CONSENT_INTERVAL * self._chance.uniform(0.8, 1.2)
            self._next[source] = (now + wait, RETRY_FIRST)

    def _answer(self, message: stun.Message, source: Address) -> None:
        """A full agent checks too; a lite one never does."""
        if not message.check_message_integrity(self._local.pwd.encode()):
            return
        response = stun.Message(
            stun.Method.BINDING,
            stun.Class.RESPONSE,
            transaction_id=message.transaction_id,
            attributes={"XOR-MAPPED-ADDRESS": source},
        )
        response.add_message_integrity(self._local.pwd.encode())
        self.outgoing.append((bytes(response), source))
