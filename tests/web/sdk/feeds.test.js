/** Feeds: what is watched, and what happens there. */

import assert from "node:assert/strict";
import { test } from "node:test";

import { fakeClient, settle } from "./fakes.js";

async function connected() {
  const scene = fakeClient();
  scene.client.connect();
  await settle();
  const [socket] = scene.sockets;
  await socket.welcome();
  return { ...scene, socket };
}

const AUTHOR = { id: "2", username: "bob" };
const POST = { id: "9", author: AUTHOR, type: "text", at: "2026-01-01T00:00:00.000Z" };

/** The watch commands that a socket was sent, without their ids. */
function watches(socket, type = "watch") {
  return socket.sent.filter(({ t }) => t === type).map(({ t, id, ...what }) => what);
}

/** Answers the commands that wait. */
async function answer(socket) {
  for (const { t, id } of socket.sent) {
    if (t === "watch" || t === "unwatch") socket.say({ t: "ok", id });
  }
  await settle();
}

test("what happens in a feed is told with every default", async () => {
  const { events, note, socket } = await connected();
  for (const type of ["new_post", "post_updated", "post_deleted", "counters", "new_comment"]) {
    note(`feed.${type}`);
  }
  note("unknown");
  socket.say({ t: "feed.new_post", feed: "home", post: POST });
  socket.say({ t: "feed.post_updated", feed: "tag:x", post: { ...POST, shared_id: "8", shared: { ...POST, id: "8" } } });
  socket.say({ t: "feed.post_deleted", feed: "home", post: "9" });
  socket.say({ t: "feed.counters", post: "9", likes: 1, comments: 0, shares: 0 });
  socket.say({ t: "feed.counters", post: "9", likes: 1, comments: 0, shares: 0, votes: [1, 0], voters: 1 });
  socket.say({ t: "feed.new_comment", comment: { id: "10", post: "9", at: POST.at, author: AUTHOR, content: "Yes." } });
  assert.deepEqual(events.map(([type]) => type), [
    "feed.new_post", "feed.post_updated", "feed.post_deleted", "feed.counters", "feed.counters", "feed.new_comment",
  ]);
  const [[, first], [, second], [, gone], [, counters], [, poll], [, commented]] = events;
  assert.equal(first.feed, "home");
  assert.deepEqual([first.post.likes, first.post.media, first.post.author.display_name], [0, [], ""]);
  assert.deepEqual([second.feed, second.post.shared.id, second.post.shared.author.avatar], ["tag:x", "8", null]);
  assert.deepEqual(gone, { feed: "home", post: "9" });
  assert.deepEqual([counters.votes, counters.voters, poll.votes, poll.voters], [null, null, [1, 0], 1]);
  assert.deepEqual([commented.comment.author.verified, commented.comment.parent], [false, null]);
});

test("feeds are watched in parts that the server takes", async () => {
  const { client, socket } = await connected();
  const posts = Array.from({ length: 101 }, (_, number) => String(number + 1));
  const tags = Array.from({ length: 21 }, (_, number) => `tag${number}`);
  const watching = client.feeds.watch({ home: true, authors: ["2"], tags, posts });
  await settle();
  assert.deepEqual(watches(socket), [
    { feed: "home" },
    { authors: ["2"] },
    { tags: tags.slice(0, 20) },
    { tags: tags.slice(20) },
    { posts: posts.slice(0, 100) },
    { posts: ["101"] },
  ]);
  await answer(socket);
  await watching;
});

test("on a new connection they are watched again, and are to be read anew", async () => {
  const { client, clock, events, note, socket, sockets } = await connected();
  note("feeds");
  client.feeds.watch({ home: true, authors: ["2", "3"], posts: ["9"] });
  client.feeds.unwatch({ authors: ["3"], posts: ["9"] });
  await settle();
  assert.deepEqual(watches(socket, "unwatch"), [{ authors: ["3"] }, { posts: ["9"] }]);
  await answer(socket);
  assert.equal(events.length, 0);
  socket.end(1006);
  await settle();
  await clock.advance(1);
  await sockets[1].welcome();
  assert.deepEqual(watches(sockets[1]), [{ feed: "home" }, { authors: ["2"] }]);
  assert.equal(events.length, 0, "not before the server knows");
  await answer(sockets[1]);
  assert.deepEqual(events, [["feeds", null]]);
});

test("where nothing is watched, nothing is said", async () => {
  const { client, clock, events, note, socket, sockets } = await connected();
  note("feeds");
  client.feeds.watch({ home: true });
  await settle();
  await answer(socket);
  client.feeds.unwatch({ home: true });
  await settle();
  await answer(socket);
  socket.end(1006);
  await settle();
  await clock.advance(1);
  await sockets[1].welcome();
  assert.deepEqual(watches(sockets[1]), []);
  assert.equal(events.length, 0);
});
