import assert from "node:assert/strict";
import { test } from "node:test";

import { applyTo } from "../../../web/sdk/plaza.js";
import { entryOf } from "../../../web/sdk/records.js";
import { ROOM, message } from "./fakes.js";

const entry = (t, seq, fields) => {
  return entryOf({ t, room: ROOM, seq, event_id: `${seq}`, sender: "2", at: `at ${seq}`, ...fields });
};
const apply = (fields, ...entries) => entries.reduce(applyTo, entryOf(message(1, fields)));

test("an edit replaces the body", () => {
  const edited = apply({}, entry("edit", 2, { target: 1, body: "better", mentions: ["3"] }));
  assert.deepEqual([edited.body, edited.mentions, edited.edited_at], ["better", ["3"], "at 2"]);
});

test("an edit of what is deleted by now has no body to give", () => {
  const entries = [entry("edit", 2, { target: 1 }), entry("delete", 3, { target: 1 })];
  assert.equal(apply({}, entries[0]).body, "#1");
  assert.deepEqual([apply({}, ...entries).body, apply({}, ...entries).deleted], ["", true]);
});

test("a deleted message keeps nothing", () => {
  const gone = apply(
    { attachments: [{ id: "x" }], pinned: true, reactions: [{ emoji: "+1", accounts: ["2"] }] },
    entry("delete", 2, { target: 1 }),
    entry("react", 3, { target: 1, emoji: "+1" }),
  );
  assert.deepEqual([gone.attachments, gone.reactions, gone.pinned], [[], [], false]);
});

test("reactions are sets", () => {
  const react = (seq, sender, emoji) => entry("react", seq, { sender, target: 1, emoji });
  const some = apply({}, react(2, "2", "+1"), react(3, "3", "+1"), react(4, "2", "!"), react(5, "2", "+1"));
  assert.deepEqual(some.reactions, [
    { emoji: "+1", accounts: ["2", "3"] }, { emoji: "!", accounts: ["2"] },
  ]);
  const fewer = [
    entry("unreact", 6, { target: 1, emoji: "+1" }), entry("unreact", 7, { target: 1, emoji: "!" }),
    entry("unreact", 8, { target: 1, emoji: "?" }),
  ].reduce(applyTo, some);
  assert.deepEqual(fewer.reactions, [{ emoji: "+1", accounts: ["3"] }]);
});

test("pins", () => {
  const pinned = apply({}, entry("pin", 2, { target: 1 }));
  assert.equal(pinned.pinned, true);
  assert.equal(applyTo(pinned, entry("unpin", 3, { target: 1 })).pinned, false);
});

test("the first message of a thread counts its replies, each once", () => {
  const reply = (seq, fields) => entry("message", seq, { thread: 1, reply_to: 1, body: "re", ...fields });
  const two = apply({}, reply(2), reply(3, { reply_to: 2 }), reply(3));
  assert.deepEqual(two.replies, { replies: 2, last_seq: 3, last_at: "at 3" });
  const one = applyTo(two, entry("delete", 4, { target: 2, thread: 1 }));
  assert.deepEqual(one.replies, { replies: 1, last_seq: 3, last_at: "at 3" });
  const known = apply({ replies: { replies: 5, last_seq: 9, last_at: "at 9" } }, reply(8), reply(10));
  assert.equal(known.replies.replies, 6);
});

test("what concerns other messages leaves the same object", () => {
  const one = entryOf(message(5));
  for (const other of [
    entry("edit", 6, { target: 4, body: "x" }), entry("message", 6, { body: "x", thread: 4 }),
    entry("title", 6, { title: "x" }), { ...entry("edit", 6, { target: 5, body: "x" }), room: "200" },
    entry("react", 4, { target: 5, emoji: "x" }),
  ]) {
    assert.equal(applyTo(one, other), one);
  }
});
