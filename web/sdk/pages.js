/** Lists that come in pages. */

/**
 * @typedef {(method: string, path: string, call?: import("./http.js").Call) => Promise<any>} Call
 *     makes a request with the access token
 */

/**
 * @template T
 * @typedef {{items: T[], next_cursor: string | null}} Page
 */

/**
 * @typedef {object} Place which page
 * @property {string | null} [cursor] `next_cursor` of the page before; none: the first page
 * @property {number} [limit] how much is on it at most
 */

/** The most that the server puts on a page. */
const LIMIT = 200;

/**
 * All items of a list.
 *
 * @param {Call} call
 * @param {string} path
 * @returns {Promise<any[]>}
 */
export async function wholeList(call, path) {
  const items = [];
  let cursor = null;
  do {
    const page = await call("GET", path, { params: { limit: LIMIT, cursor } });
    items.push(...page.items);
    cursor = page.next_cursor ?? null;
  } while (cursor !== null);
  return items;
}

/**
 * A page, its items shaped.
 *
 * @template T
 * @param {any} answer
 * @param {(fields: any) => T} shape
 * @returns {Page<T>}
 */
export function pageWith(answer, shape) {
  return { items: answer.items.map(shape), next_cursor: answer.next_cursor ?? null };
}
