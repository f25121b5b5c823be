/** The two addresses of a server, from whichever somebody gave. */

const SOCKET = new Map([["http:", "ws:"], ["https:", "wss:"], ["ws:", "ws:"], ["wss:", "wss:"]]);
const REST = new Map([["http:", "http:"], ["https:", "https:"], ["ws:", "http:"], ["wss:", "https:"]]);

/**
 * Where the WebSocket is.
 *
 * @param {string} url
 */
export function socketUrl(url) {
  return withPath(url, SOCKET, "/ws");
}

/**
 * Where the REST interface is.
 *
 * @param {string} url
 */
export function restUrl(url) {
  return withPath(url, REST, "/api/v1");
}

/**
 * @param {string} url
 * @param {Map<string, string>} schemes
 * @param {string} path
 */
function withPath(url, schemes, path) {
  const parts = URL.canParse(url) ? new URL(url) : null;
  const scheme = parts === null ? undefined : schemes.get(parts.protocol);
  if (parts === null || scheme === undefined || parts.host === "") {
    throw new TypeError(`A server's address looks like http://127.0.0.1:8080, not like ${url}.`);
  }
  const root = parts.pathname.replace(/\/+$/, "").replace(/\/ws$/, "");
  return `${scheme}//${parts.host}${root}${path}`;
}
