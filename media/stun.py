"""STUN as an ICE-lite agent needs it: Binding requests in, their answers out (RFC 8489).

`aioice.stun` takes messages apart and makes them; here is what comes before, a look that costs next
to nothing, and what RFC 8489 and RFC 8445 say of requests that are not in order.
"""

from dataclasses import dataclass
from struct import Struct, error
from typing import Any

from aioice import stun
from aioice.stun import Class, Message, Method

HEADER_BYTES = 20
BINDING_REQUEST = b"\x00\x01"
COOKIE = stun.COOKIE.to_bytes(4, "big")
USERNAME = 0x0006
ATTRIBUTE = Struct("!HH")

# RFC 8489, 14.3: of a USERNAME, with its colon; ICE's are far shorter.
USERNAME_BYTES = 508
# Attributes that are looked at for a USERNAME: it is the first or the second one of every browser.
ATTRIBUTES = 16
# A check has some 100 bytes; this many do not fit into a datagram of ours.
MESSAGE_BYTES = 1200

BAD_REQUEST = (400, "Bad Request")
UNAUTHENTICATED = (401, "Unauthenticated")
ROLE_CONFLICT = (487, "Role Conflict")


def username_of(data: bytes) -> bytes | None:
    """The USERNAME of a Binding request, without taking anything else apart.

    Nothing is checked but what tells garbage apart: that costs a small part of what taking the
    request apart and checking it does.

    Args:
        data: any datagram.

    Returns:
        As it stands there: `ours:theirs`. None: it is no Binding request with one.
    """
    end = len(data)
    if (
        data[0:2] != BINDING_REQUEST
        or data[4:8] != COOKIE
        or end > MESSAGE_BYTES
        or int.from_bytes(data[2:4], "big") != end - HEADER_BYTES
    ):
        return None
    position = HEADER_BYTES
    for _ in range(ATTRIBUTES):
        if position + 4 > end:
            return None
        kind, length = ATTRIBUTE.unpack_from(data, position)
        position += 4
        if kind == USERNAME:
            if position + length > end or length > USERNAME_BYTES:
                return None
            return data[position : position + length]
        position += (length + 3) & ~3
    return None


@dataclass(frozen=True, slots=True)
class Request:
    """A Binding request that is well-formed and has a right fingerprint."""

    message: Message

    @property
    def username(self) -> str:
        """Of its sender's choice: `ours:theirs`; empty: there is none."""
        username: str = self.message.attributes.get("USERNAME", "")
        return username

    @property
    def nominates(self) -> bool:
        """Whether it has USE-CANDIDATE."""
        return "USE-CANDIDATE" in self.message.attributes

    @property
    def priority(self) -> int:
        """Of the candidate that the sender would make of its address (RFC 8445, 7.1.1)."""
        priority: int = self.message.attributes.get("PRIORITY", 0)
        return priority

    @property
    def controlled(self) -> bool:
        """Whether the sender believes to be the controlled agent."""
        return "ICE-CONTROLLED" in self.message.attributes

    @property
    def signed(self) -> bool:
        """Whether it has what short-term credentials ask for (RFC 8489, 9.1.3)."""
        return {"USERNAME", "MESSAGE-INTEGRITY"} <= self.message.attributes.keys()

    def is_authentic(self, password: bytes) -> bool:
        """Whether MESSAGE-INTEGRITY was made with this password."""
        return bool(self.message.check_message_integrity(password))

    def success(self, address: tuple[str, int], password: bytes) -> bytes:
        """The answer that says from where it has come, signed."""
        return _answer(self.message, Class.RESPONSE, {"XOR-MAPPED-ADDRESS": address}, password)

    def error(self, code: tuple[int, str], password: bytes | None = None) -> bytes:
        """The answer that says what is wrong; signed where the request was authentic."""
        return _answer(self.message, Class.ERROR, {"ERROR-CODE": code}, password)


def parse(data: bytes) -> Request | None:
    """Take a Binding request apart.

    Args:
        data: any datagram.

    Returns:
        None: it is none, is malformed, or has no FINGERPRINT or a wrong one, without which nothing
        says that it is STUN at all (RFC 8445, 7.1; RFC 8489, 7): it gets no answer.
    """
    if len(data) > MESSAGE_BYTES or data[0:2] != BINDING_REQUEST or data[4:8] != COOKIE:
        return None
    try:
        message = stun.parse_message(data)
    except (ValueError, error):
        return None
    if "FINGERPRINT" not in message.attributes:
        return None
    return Request(message)


def _answer(
    request: Message, kind: Class, attributes: dict[str, Any], password: bytes | None
) -> bytes:
    answer = Message(Method.BINDING, kind, request.transaction_id, attributes)
    if password is None:
        answer.add_fingerprint()
    else:
        answer.add_message_integrity(password)
    return bytes(answer)
