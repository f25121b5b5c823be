import assert from "node:assert/strict";
import { test } from "node:test";

import { Delivery } from "../../../web/sdk/delivery.js";
import { PlazaError } from "../../../web/sdk/errors.js";
import { ROOM, message, settle } from "./fakes.js";

/** A log, and a delivery that reads it. */
function scene({ cursors = { [ROOM]: 0 }, length = 0, readable = () => true } = {}) {
  const log = Array.from({ length }, (_, index) => message(index + 1));
  const handed = [];
  const gaps = [];
  const reads = [];
  const delivery = new Delivery({
    readLog: async (room, after, limit) => {
      reads.push([after, limit]);
      if (!readable()) throw new PlazaError("not_found", "There is nothing here.");
      return log.slice(after, after + limit);
    },
    hand: (entry) => handed.push(entry.seq),
    skipped: (gap) => gaps.push(gap),
  }, cursors);
  return { delivery, gaps, handed, log, reads };
}

const upTo = (last, first = 1) => Array.from({ length: last - first + 1 }, (_, index) => first + index);

test("entries are handed over as they come", () => {
  const { delivery, handed } = scene();
  for (const seq of [1, 2, 3]) delivery.take(message(seq));
  assert.deepEqual(handed, [1, 2, 3]);
  assert.equal(delivery.seen(ROOM), 3);
});

test("duplicates are dropped", () => {
  const { delivery, handed } = scene({ cursors: { [ROOM]: 5 } });
  for (const seq of [4, 5, 6, 6, 5, 7]) delivery.take(message(seq));
  assert.deepEqual(handed, [6, 7]);
});

test("a hole is filled from the log before what shows it is handed over", async () => {
  const { delivery, handed, reads } = scene({ length: 10 });
  delivery.take(message(1));
  delivery.take(message(5));
  delivery.take(message(6));
  assert.deepEqual(handed, [1]);
  assert.equal(delivery.seen(ROOM), 6, "to resume from: the rest is being read");
  await settle();
  assert.deepEqual(handed, upTo(6));
  assert.deepEqual(reads, [[1, 3]]);
  delivery.take(message(7));
  assert.deepEqual(handed, upTo(7));
});

test("a long hole is read page by page", async () => {
  const { delivery, handed, reads } = scene({ length: 450 });
  delivery.reach(ROOM, 450);
  await settle();
  assert.deepEqual(handed, upTo(450));
  assert.deepEqual(reads, [[0, 200], [200, 200], [400, 50]]);
});

test("what is too much to wait is left in the log", async () => {
  const { delivery, handed, log } = scene({ length: 3_000 });
  delivery.take(message(2));
  for (const entry of log.slice(2)) delivery.take(entry);
  await settle();
  assert.deepEqual(handed, upTo(3_000));
});

test("two holes at once", async () => {
  const { delivery, handed } = scene({ length: 9 });
  for (const seq of [3, 6, 9]) delivery.take(message(seq));
  await settle();
  assert.deepEqual(handed, upTo(9));
});

test("what cannot be read any more is passed over, and said", async () => {
  const { delivery, gaps, handed } = scene({ length: 9, readable: () => false });
  for (const seq of [1, 5, 6]) delivery.take(message(seq));
  await settle();
  assert.deepEqual(handed, [1, 5, 6]);
  assert.deepEqual(gaps, [{ room: ROOM, from: 2, to: 4 }]);
  delivery.take(message(7));
  assert.deepEqual(handed, [1, 5, 6, 7]);
});

test("to skip ends a hole, and what waits behind it comes", async () => {
  const { delivery, gaps, handed } = scene({ length: 20 });
  delivery.take(message(15));
  delivery.skip(ROOM, 14);
  await settle();
  assert.deepEqual(handed, [15]);
  assert.deepEqual(gaps, [{ room: ROOM, from: 1, to: 14 }]);
});

test("a room that ends hands nothing over, even if its hole is being read", async () => {
  const { delivery, handed } = scene({ length: 9 });
  delivery.take(message(5));
  delivery.end(ROOM);
  await settle();
  assert.deepEqual(handed, []);
  assert.equal(delivery.seen(ROOM), undefined);
});

test("whatever arrives, in whatever order: once, in order, without holes", async () => {
  let state = 1;
  const random = (below) => {
    state = (state * 48271) % 2147483647; // the minimal standard generator
    return state % below;
  };
  for (let round = 0; round < 200; round += 1) {
    const length = 1 + random(40);
    const { delivery, gaps, handed, log } = scene({ length });
    for (let step = 0; step < 60; step += 1) {
      delivery.take(log[random(length)]);
      if (random(4) === 0) await settle();
    }
    delivery.reach(ROOM, length);
    await settle();
    assert.deepEqual(handed, upTo(length));
    assert.deepEqual(gaps, []);
  }
});
