import assert from "node:assert/strict";
import { test } from "node:test";

import { FullJitter, heed } from "../../../web/sdk/backoff.js";
import { delayOf, mayReconnect } from "../../../web/sdk/close.js";

test("delays double up to the cap, and start over", () => {
  const backoff = new FullJitter(() => 0.5, 0.25, 30);
  const delays = Array.from({ length: 9 }, () => backoff.next());
  assert.deepEqual(delays, [0.125, 0.25, 0.5, 1, 2, 4, 8, 15, 15]);
  backoff.reset();
  assert.equal(backoff.next(), 0.125);
});

test("delays are spread over the whole bound", () => {
  const draws = [0, 0.25, 0.999];
  const backoff = new FullJitter(() => draws.shift(), 1, 1);
  assert.deepEqual([backoff.next(), backoff.next(), backoff.next()], [0, 0.25, 0.999]);
});

test("bounds that make no sense are refused", () => {
  assert.throws(() => new FullJitter(Math.random, 0, 1), RangeError);
  assert.throws(() => new FullJitter(Math.random, 2, 1), RangeError);
});

test("what the server asks for is waited, and up to half as much", () => {
  assert.equal(heed(4, { random: () => 0, backoffBase: 0.25 }), 4);
  assert.equal(heed(4, { random: () => 1, backoffBase: 0.25 }), 6);
  assert.equal(heed(9_999, { random: () => 0, backoffBase: 0.25 }), 120);
});

test("the hint in a close reason is read", () => {
  assert.equal(delayOf("restart; retry_after=2.5"), 2.5);
  assert.equal(delayOf("restart; retry_after=12"), 12);
  assert.equal(delayOf("restart"), null);
  assert.equal(delayOf("retry_after=soon"), null);
});

test("close codes say whether to reconnect", () => {
  for (const code of [1000, 1001, 1006, 1011, 1012, 4000, 4005, 4499]) assert.ok(mayReconnect(code), code);
  for (const code of [1002, 1003, 1007, 1008, 1009, 1010, 4500, 4502, 4999]) {
    assert.ok(!mayReconnect(code), code);
  }
});
