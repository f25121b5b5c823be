/** Names that nobody else makes up. Not crypto.randomUUID: pages over plain HTTP do not have it. */

/** A random string of 24 characters. */
export function randomName() {
  const bytes = crypto.getRandomValues(new Uint8Array(12));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/**
 * Nonces are unique for as long as the log lives, over all clients of an account.
 *
 * @returns {() => string}
 */
export function nonces() {
  const client = randomName();
  let count = 0;
  return () => `${client}-${(count += 1)}`;
}
