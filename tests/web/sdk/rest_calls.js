/** Prints every request that the methods of Rest make, for tests/web/sdk/test_rest_calls.py. */

import { Rest } from "../../../web/sdk/plaza.js";

const ACCOUNT = "118055399902412800";
const ROOM = "118055399902412801";
const SOME = { room: ROOM, account: ACCOUNT, seq: 7, text: "some", session: "118055399902412802" };

const requests = [];
const fetch = async (url, { method, body, headers }) => {
  const { pathname, searchParams } = new URL(url);
  requests.push({
    method, path: pathname, params: Object.fromEntries(searchParams),
    body: body === undefined ? null : JSON.parse(body),
    key: headers.get("Idempotency-Key"),
  });
  const tokens = { account: { id: ACCOUNT, username: "ada" }, access_token: "a", refresh_token: "r" };
  return Response.json({ ...tokens, id: ROOM, items: [], events: [], more: false, next_cursor: null });
};
const { accounts, members, messages, rooms, session } = new Rest("http://127.0.0.1:8080", {
  accessToken: "a", refreshToken: "r", fetch,
});
const { room, account, seq, text } = SOME;
const page = { cursor: "MQ", limit: 10 };
const settings = { busy: true, hidden: false };
const emoji = "\u{1f44d}/?#";

await session.refresh();
await session.signUp(text, `${text}@example.org`, "correct horse battery");
await session.logIn(text, "correct horse battery");
await session.list();
await session.revoke(SOME.session);
await session.changePassword("correct horse battery", "staple of battery");
await accounts.me();
await accounts.get(account);
await accounts.named(text);
await accounts.search(text, { limit: 10 });
await accounts.settings();
await accounts.set(settings);
for (const method of ["block", "unblock", "mute", "unmute"]) await accounts[method](account);
await accounts.blocked();
await accounts.muted();
await rooms.list();
await rooms.channels(page);
await rooms.get(room);
await rooms.create("group", { title: text, members: [account] });
await rooms.create("dm", { members: [account] });
await rooms.rename(room, text);
await rooms.slowMode(room, 10);
await rooms.events(room, { before: 7, limit: 10 });
await rooms.events(room, { after: 7, thread: 3 });
await rooms.events(room, { around: 7 });
await rooms.receipts(room);
await rooms.read(room, seq);
await rooms.readAll();
await rooms.notify(room, "mentions");
await rooms.pins(room);
await rooms.search(text, { ...page, in: room, from: "ada", before: "2026-01-01" });
await messages.send(room, text, { replyTo: seq, attachments: [{ id: "x", name: "x.jpg" }] });
await messages.edit(room, seq, text);
await messages.remove(room, seq);
await messages.react(room, seq, emoji);
await messages.unreact(room, seq, emoji);
await messages.pin(room, seq);
await messages.unpin(room, seq);
await members.list(room);
await members.add(room, account);
await members.remove(room, account);
await members.promote(room, account, "admin");
await members.ban(room, account);
await members.ban(room, account, { seconds: 60 });
await members.unban(room, account);
await members.bans(room);
await members.mute(room, account, { seconds: 60 });
await members.unmute(room, account);
await session.logOut();
console.log(JSON.stringify(requests));
