"""Virtual users against the real server.

Whatever they do, and whatever becomes of their connections, they miss nothing, and nothing is held
against a server that is right.
"""

import asyncio
import sys
import time
from collections.abc import Callable
from secrets import token_hex
from typing import Any

import httpx
import msgspec
import pytest
from joserfc import jwt
from joserfc.jwk import OctKey

from loadtest.crowd.orders import Enlist, Person
from loadtest.deployment import Deployment, deployed
from loadtest.preparing.bulk import BulkPreparation
from loadtest.scenario import Churn, Happening, Load, Mix, Return, Rooms, Scenario, Stage
from tests.loadtest.crowd.fake_plaza import Run, Seen

EVERYTHING = Mix(
    message=6,
    typing=2,
    read=2,
    react=2,
    edit=1,
    delete=1,
    history=1,
    presence=1,
    post=1,
    timeline=1,
)


async def people_of(deployment: Deployment, count: int, rooms: Rooms) -> list[Person]:
    preparation = BulkPreparation(deployment, lambda *_: None)
    return list(await preparation.rooms(await preparation.people(count), rooms))


def run_of(
    deployment: Deployment,
    people: list[Person],
    *,
    senders: int | None = None,
    slow: int = 0,
    **scenario: Any,
) -> Run:
    wanted = Scenario(question="?", returning=Return(base=0.05, cap=0.2), patience=30.0, **scenario)
    return Run(
        Enlist(
            url=deployment.url,
            scenario=wanted,
            people=people,
            everybody=len(people),
            process=0,
            processes=1,
            senders=len(people) - slow if senders is None else senders,
            slow=slow,
        )
    )


async def until(is_so: Callable[[], bool]) -> None:
    """Wait for something that users have seen."""
    async with asyncio.timeout(60):
        while not is_so():
            await asyncio.sleep(0.005)


def is_flawless(seen: Seen) -> None:
    assert {kind: n for kind, n in seen.wrong.items() if kind != "late"} == {}
    assert (seen.lost, seen.unanswered, seen.errors) == (0, 0, {})


async def test_whatever_they_do_nothing_is_wrong(deployment: Deployment) -> None:
    people = await people_of(deployment, 24, Rooms(members=8, each=2))
    run = run_of(
        deployment,
        people,
        load=Load(users=24, rate=600.0, ramp=0.2, duration=60.0),
        mix=EVERYTHING,
        churn=Churn(rate=20.0, away=0.05),
        happenings=[Happening(at=0.6, do="drop", share=0.5)],
    )
    async with run:
        counts = run.crowd.meter.counts
        await until(lambda: counts["due"] >= 600 and counts["reconnects"] >= 15)
        seen = await run.end()
    is_flawless(seen)
    assert seen.counts["delivered"] > seen.counts["acknowledged"] > 100
    assert seen.counts["told"] > 0
    actions = {"ack", "typing", "read", "react", "edit", "delete", "history", "timeline", "publish"}
    assert {*actions, "delivery", "connect", "back"} <= set(seen.latencies)
    assert len(seen.latencies["ack"]) > 10


async def test_who_stops_reading_has_lost_nothing_in_the_end(deployment: Deployment) -> None:
    """So much is said that the server closes the one who does not read."""
    people = await people_of(deployment, 6, Rooms(members=6))
    run = run_of(
        deployment,
        people,
        senders=2,
        slow=1,
        load=Load(users=6, ramp=0.0, duration=60.0, in_flight=16),
        mix=Mix(message=1),
        message_bytes=7000,
    )
    async with run:
        await until(lambda: run.crowd.meter.counts["acknowledged"] >= 1500)
        seen = await run.end()
    is_flawless(seen)
    assert seen.counts["dropped"] == 1
    assert seen.counts["reconnects"] == 1
    assert seen.counts["gaps"] == 1
    # Who hears it hours later has not been kept waiting by the server.
    assert sum(seen.latencies["delivery"].values()) < seen.counts["delivered"]


async def test_frames_come_back_from_echo(deployment: Deployment) -> None:
    people = await people_of(deployment, 4, Rooms(members=4))
    load = Load(users=4, rate=500.0, ramp=0.0, duration=60.0, arrivals="uniform")
    run = run_of(deployment, people, load=load, mix=Mix(echo=1), message_bytes=200)
    async with run:
        await until(lambda: run.crowd.meter.counts["sent"] >= 50)
        seen = await run.end()
    is_flawless(seen)
    assert set(seen.latencies) == {"connect", "echo"}
    assert sum(seen.latencies["echo"].values()) == seen.counts["sent"]


async def test_users_come_and_go_by_stages(deployment: Deployment) -> None:
    people = await people_of(deployment, 10, Rooms(members=10))
    stages = [Stage(seconds=0.1, users=10, rate=200.0), Stage(seconds=0.3, users=4)]
    run = run_of(deployment, people, stages=stages, mix=Mix(message=1))
    async with run:
        await until(lambda: run.crowd.ready == 10)
        await until(lambda: run.crowd.ready == 4)
        seen = await run.end()
    is_flawless(seen)
    assert "dropped" not in seen.counts


async def test_an_access_token_that_has_run_out_is_renewed(deployment: Deployment) -> None:
    name = f"t{token_hex(6)}"
    account = {"username": name, "email": f"{name}@example.org", "password": token_hex(8)}
    async with httpx.AsyncClient(base_url=f"{deployment.url}/api/v1") as http:
        session = (await http.post("/accounts", json=account)).json()
    key = OctKey.import_key(deployment.signing_key.encode())
    claims = jwt.decode(session["access_token"], key).claims
    stale = jwt.encode({"alg": "HS256"}, {**claims, "iat": 1, "exp": int(time.time()) - 9}, key)
    person = Person(
        account=session["account"]["id"], token=stale, refresh_token=session["refresh_token"]
    )
    run = run_of(deployment, [person], load=Load(users=1, ramp=0.0))
    async with run:
        await until(lambda: run.crowd.ready == 1)
        [user] = run.crowd.users.values()
        assert user.token != stale
        assert user.refresh_token != session["refresh_token"]
        seen = await run.end()
    assert seen.errors == {"token_expired": 1}
    assert (seen.counts["connects"], seen.counts.get("dropped")) == (1, None)


@pytest.mark.soak
async def test_kill_9_loses_nothing() -> None:
    async with deployed() as own:
        people = await people_of(own, 20, Rooms(members=10))
        run = run_of(
            own,
            people,
            load=Load(users=20, ramp=0.0, duration=60.0, in_flight=2),
            mix=Mix(message=4, edit=1, react=1),
        )
        async with run:
            counts = run.crowd.meter.counts
            await until(lambda: counts["acknowledged"] >= 200)
            await own.restart()
            acknowledged = counts["acknowledged"]
            await until(lambda: counts["acknowledged"] >= acknowledged + 200)
            seen = await run.end()
    is_flawless(seen)
    assert (seen.counts["dropped"], seen.counts["reconnects"]) == (20, 20)
    assert sum(seen.latencies["back"].values()) == 20


@pytest.mark.soak
async def test_the_process_speaks_unasked_and_ends_by_itself(deployment: Deployment) -> None:
    people = await people_of(deployment, 6, Rooms(members=3))
    scenario = Scenario(
        question="?", load=Load(users=6, rate=50.0, ramp=0.0, duration=9.0), mix=Mix(message=1)
    )
    process = await started()
    assert process.stdin is not None
    assert process.stdout is not None

    async def word() -> dict[str, Any]:
        found: dict[str, Any] = msgspec.json.decode(await process.stdout.readline())  # type: ignore[union-attr]
        return found

    order = Enlist(
        url=deployment.url, scenario=scenario, people=people, everybody=6, process=0, processes=1,
        senders=6,
    )  # fmt: skip
    process.stdin.write(msgspec.json.encode(order) + b"\n")
    assert (await word())["type"] == "Enlisted"
    process.stdin.write(b'{"type":"Begin","at":%f}\n' % time.monotonic())
    ticks = [await word(), await word()]
    while not ticks[-1]["counts"].get("delivered"):
        ticks.append(await word())
    assert {tick["type"] for tick in ticks} == {"Tick"}
    assert ticks[-1]["users"] == 6
    assert ticks[1]["at"] > ticks[0]["at"] > 0.9
    process.stdin.write(b'{"type":"Halt"}\n')
    halted = await word()
    while halted["type"] == "Tick":
        halted = await word()
    assert halted["type"] == "Halted"
    assert len(halted["acknowledged"]) == 2
    settle = {"type": "Settle", "acknowledged": halted["acknowledged"]}
    process.stdin.write(msgspec.json.encode(settle) + b"\n")
    settled = await word()
    assert (settled["type"], settled["lost"]) == ("Settled", 0)
    assert await process.wait() == 0


async def test_a_server_that_has_no_address_is_said_in_a_sentence() -> None:
    process = await started()
    order = Enlist(
        url="ftp://nowhere", scenario=Scenario(question="?"), people=[], everybody=1, process=0,
        processes=1, senders=0,
    )  # fmt: skip
    _, said = await process.communicate(msgspec.json.encode(order) + b"\n")
    assert process.returncode == 1
    assert said.decode().strip().endswith("not like 'ftp://nowhere'.")
    assert said.count(b"\n") == 1


async def test_the_end_of_its_orders_is_its_end() -> None:
    process = await started()
    assert await process.communicate(b"") == (b"", b"")
    assert process.returncode == 0


async def started() -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "loadtest.crowd.process"),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        limit=1 << 24,
    )
