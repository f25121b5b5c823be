"""The slash commands of the terminal chat."""

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from plaza_client.terminal import Chat


class Mistake(Exception):
    """The person typed something that cannot be done. The message says what to type."""


class SlashCommand(NamedTuple):
    """A command.

    Attributes:
        usage: how it is typed.
        text: what it does.
        run: does it, with what was typed after the name.
    """

    usage: str
    text: str
    run: Callable[["Chat", str], Awaitable[None]]


async def help_(chat: "Chat", _: str) -> None:
    width = max(len(command.usage) for command in COMMANDS.values())
    for command in COMMANDS.values():
        chat.show(f"{command.usage:{width}}  {command.text}")
    chat.show(f"{'//…':{width}}  send a line that begins with a slash")


async def rooms(chat: "Chat", _: str) -> None:
    await chat.list_rooms()


async def join(chat: "Chat", rest: str) -> None:
    await chat.enter(await chat.find_room(_needed(rest, "/join ROOM")))


async def dm(chat: "Chat", rest: str) -> None:
    account = await chat.find_account(_needed(rest, "/dm NAME"))
    await chat.enter(await chat.client.create_room("dm", members=[account.id]))


async def new(chat: "Chat", rest: str) -> None:
    title = _needed(rest, "/new TITLE")
    kind = "channel" if title.startswith("#") else "group"
    await chat.enter(await chat.client.create_room(kind, title.removeprefix("#")))


async def leave(chat: "Chat", _: str) -> None:
    chat.expect(await chat.client.leave(chat.here()))


async def members(chat: "Chat", _: str) -> None:
    presence = chat.client.presence
    for member in await chat.rest.members(chat.here()):
        here = f"  {presence[member.account].state}" if member.account in presence else ""
        chat.show(f"{member.username}  {member.role}{here}")


async def invite(chat: "Chat", rest: str) -> None:
    account = await chat.find_account(_needed(rest, "/invite NAME"))
    chat.expect(await chat.client.invite(chat.here(), account.id))


async def kick(chat: "Chat", rest: str) -> None:
    account = await chat.find_account(_needed(rest, "/kick NAME"))
    chat.expect(await chat.client.kick(chat.here(), account.id))


async def rename(chat: "Chat", rest: str) -> None:
    chat.expect(await chat.client.rename(chat.here(), _needed(rest, "/rename TITLE")))


async def history(chat: "Chat", rest: str) -> None:
    count = rest or "20"
    if not (count.isascii() and count.isdigit() and 1 <= int(count) <= 200):
        raise Mistake("Type /history, or /history N with N from 1 to 200.")
    await chat.show_history(int(count), numbered=True)


async def edit(chat: "Chat", rest: str) -> None:
    seq, body = _target(rest, chat.latest_own)
    chat.expect(await chat.client.edit(chat.here(), seq, _needed(body, "/edit [#N] TEXT")))


async def delete(chat: "Chat", rest: str) -> None:
    seq, superfluous = _target(rest, chat.latest_own)
    if superfluous:
        raise Mistake("Type /delete, or /delete #N with the number that /history shows.")
    chat.expect(await chat.client.delete(chat.here(), seq))


async def react(chat: "Chat", rest: str) -> None:
    seq, emoji = _target(rest, chat.latest)
    chat.expect(await chat.client.react(chat.here(), seq, _needed(emoji, "/react [#N] EMOJI")))


async def unreact(chat: "Chat", rest: str) -> None:
    seq, emoji = _target(rest, chat.latest)
    chat.expect(await chat.client.unreact(chat.here(), seq, _needed(emoji, "/unreact [#N] EMOJI")))


async def reply(chat: "Chat", rest: str) -> None:
    seq, body = _target(rest, chat.latest)
    await chat.send(_needed(body, "/reply [#N] TEXT"), reply_to=seq)


async def pin(chat: "Chat", rest: str) -> None:
    seq, superfluous = _target(rest, chat.latest)
    if superfluous:
        raise Mistake("Type /pin, or /pin #N with the number that /history shows.")
    chat.expect(await chat.client.pin(chat.here(), seq))


async def unpin(chat: "Chat", rest: str) -> None:
    seq, superfluous = _target(rest, chat.latest)
    if superfluous:
        raise Mistake("Type /unpin, or /unpin #N with the number that /history shows.")
    chat.expect(await chat.client.unpin(chat.here(), seq))


async def search(chat: "Chat", rest: str) -> None:
    await chat.show_found(_needed(rest, "/search WORDS"))


async def me(chat: "Chat", _: str) -> None:
    chat.show(f"You are {chat.client.user.username}, account {chat.client.user.id}.")


async def quit_(chat: "Chat", _: str) -> None:
    chat.ended = True


COMMANDS: dict[str, SlashCommand] = {
    command.usage.split()[0]: command
    for command in (
        SlashCommand("/help", "show this list", help_),
        SlashCommand("/rooms", "list your rooms, and the channels that you may join", rooms),
        SlashCommand("/join ROOM", "go to a room: its number in /rooms, title or id", join),
        SlashCommand("/dm NAME", "talk to one person", dm),
        SlashCommand("/new TITLE", "create a group; with #TITLE a channel, open to all", new),
        SlashCommand("/invite NAME", "bring somebody into this room", invite),
        SlashCommand("/kick NAME", "remove somebody from this room", kick),
        SlashCommand("/leave", "leave this room", leave),
        SlashCommand("/members", "list who is in this room, and who is here", members),
        SlashCommand("/rename TITLE", "give this room another title", rename),
        SlashCommand("/history [N]", "show the latest messages, with their numbers", history),
        SlashCommand("/edit [#N] TEXT", "correct your latest message, or number N", edit),
        SlashCommand("/delete [#N]", "delete your latest message, or number N", delete),
        SlashCommand("/react [#N] EMOJI", "react to the latest message, or number N", react),
        SlashCommand("/unreact [#N] EMOJI", "take a reaction back", unreact),
        SlashCommand("/reply [#N] TEXT", "answer the latest message, or number N", reply),
        SlashCommand("/pin [#N]", "pin the latest message, or number N", pin),
        SlashCommand("/unpin [#N]", "pin it no longer", unpin),
        SlashCommand("/search WORDS", "search the messages of all your rooms", search),
        SlashCommand("/me", "show who you are", me),
        SlashCommand("/quit", "leave the chat; Ctrl+D does so too", quit_),
    )
}


def _needed(rest: str, usage: str) -> str:
    if not rest:
        raise Mistake(f"Type {usage}.")
    return rest


def _target(rest: str, default: Callable[[], int]) -> tuple[int, str]:
    """The message that `#N ...` names, or the default one, and what follows."""
    first, _, others = rest.partition(" ")
    number = first.removeprefix("#")
    if first.startswith("#") and number.isascii() and number.isdigit():
        return int(number), others.strip()
    return default(), rest
