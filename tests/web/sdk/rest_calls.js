/** Prints the methods of Rest and every request that they make, for test_rest_calls.py. */

import { Rest } from "../../../web/sdk/plaza.js";

const ACCOUNT = "118055399902412800";
const ROOM = "118055399902412801";
const SOME = { room: ROOM, account: ACCOUNT, seq: 7, text: "some", session: "118055399902412802" };

const requests = [];
let asking = null; // the method that is called
const fetch = async (url, { method, body, headers }) => {
  const { pathname, searchParams } = new URL(url);
  requests.push({
    asking, method, path: pathname, params: [...searchParams],
    body: typeof body === "string" ? JSON.parse(body) : null,
    key: headers.get("Idempotency-Key"),
  });
  const tokens = { account: { id: ACCOUNT, username: "ada" }, access_token: "a", refresh_token: "r" };
  return Response.json({
    ...tokens, id: ROOM, items: [], events: [], more: false, next_cursor: null, state: "ready",
    options: [], owner: tokens.account,
  });
};

/** A part of Rest that says which of its methods is called from outside. */
function traced([name, part]) {
  const get = (target, key) => async (...given) => {
    asking = `${name}.${key}`;
    return target[key](...given);
  };
  return [name, new Proxy(part, { get })];
}

/** The methods that a part has itself. */
function methodsOf([name, part]) {
  const own = Object.entries(Object.getOwnPropertyDescriptors(Object.getPrototypeOf(part)));
  const methods = own.filter(([key, { value }]) => typeof value === "function" && key !== "constructor");
  return methods.map(([key]) => `${name}.${key}`);
}

const rest = new Rest("http://127.0.0.1:8080", { accessToken: "a", refreshToken: "r", fetch });
const parts = Object.entries(rest).filter(([, part]) => typeof part === "object");
const {
  accounts, comments, engagement, feed, graph, members, messages, posts, profiles, rooms, session, streams,
  uploads,
} = Object.fromEntries(parts.map(traced));
const { room, account, seq, text } = SOME;
const page = { cursor: "MQ", limit: 10 };
const settings = { busy: true, hidden: false };
const emoji = "\u{1f44d}/?#";
const tag = "\u6a5f/?#";
const comment = SOME.session;
const [post, quoted, upload] = [ROOM, "118055399902412803", "118055399902412804"];

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
await accounts.requestExport();
await accounts.export(ROOM);
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
await uploads.send(new Blob(["cards"]), { name: "a.txt", alt: text });
await uploads.get(ROOM);
await uploads.list(page);
await uploads.describe(ROOM, { alt: text });
await uploads.remove(ROOM);
await profiles.get(account);
await profiles.change(account, { bio: text, birthday: null, interests: [text], avatar: upload });
await profiles.find(text, page);
await graph.follow(account);
await graph.unfollow(account);
await graph.removeFollower(account);
await graph.setClose(account);
await graph.setClose(account, false);
await graph.acceptFollower(account);
await graph.refuseFollower(account);
await graph.relationships([account, ROOM]);
for (const method of ["followers", "following", "mutuals"]) await graph[method](account, page);
await graph.friends();
await graph.followRequests();
await posts.create(text);
await posts.create(text, { key: "k", visibility: "friends", warning: text, shared: quoted });
await posts.create(text, { type: "image", media: [upload], status: "draft" });
await posts.create(text, { type: "link", link: "https://example.org/" });
await posts.create(text, {
  type: "poll", status: "scheduled", publish_at: new Date(2e12),
  poll: { options: ["a", "b"], multiple: true, closes_at: new Date(3e12) },
});
await posts.edit(post, { content: text, warning: null, media: [upload], status: "published" });
await posts.remove(post);
await posts.share(post);
await posts.unshare(post);
await posts.get(post);
await posts.several([post, quoted]);
await posts.versions(post);
await posts.of(account, page);
await posts.tagged(tag, page);
await posts.drafts();
for (const method of ["like", "unlike", "bookmark", "unbookmark", "withdrawVote"]) {
  await engagement[method](post);
}
await engagement.likers(post, page);
await engagement.bookmarks(page);
await engagement.vote(post, [0, 2]);
await comments.write(post, text);
await comments.write(post, text, { parent: comment, key: "k" });
await comments.list(post);
await comments.list(post, { ...page, parent: comment });
await comments.edit(comment, text);
for (const method of ["get", "remove", "like", "unlike"]) await comments[method](comment);
await feed.read();
await feed.read("ranked", page);
await feed.trendingTags();
await feed.trendingTags("1h", { limit: 50 });
await feed.trendingPosts("7d", { limit: 50 });
await streams.create(text);
await streams.create(text, { key: "k", category: text, visibility: "friends", thumbnail: upload });
await streams.change(ROOM, { title: text, description: text, thumbnail: null });
for (const method of ["rotateKey", "end", "remove", "get", "health"]) await streams[method](ROOM);
await streams.live();
await streams.live({ order: "newest", category: tag, followed: true, ...page });
await streams.own();
await session.logOut();
await streams.get(ROOM);
await session.logIn(text, "correct horse battery");
await session.deleteAccount("correct horse battery");
console.log(JSON.stringify({ methods: parts.flatMap(methodsOf), requests }));
