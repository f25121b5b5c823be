/** An offer is posted, an answer comes back: what WHIP (RFC 9725) and WHEP have in common. */

import { PlazaError } from "./errors.js";

/**
 * @typedef {object} Resource a session on the server
 * @property {string} url where it is ended
 * @property {string | null} etag
 * @property {Record<string, string>} links what else there is, by its relation type
 *
 * @typedef {object} Endpoint
 * @property {string} url of WHIP or WHEP
 * @property {string | null} [token] a stream key or an access token
 * @property {typeof fetch} [fetch]
 */

/** What an answer takes at most, in milliseconds. */
const PATIENCE = 10_000;

/**
 * Connect a peer connection whose transceivers are there already.
 *
 * Candidates of ours are not waited for: the server is ICE-lite, and learns our addresses from our
 * checks. Its own are all in the answer.
 *
 * @param {RTCPeerConnection} peer
 * @param {Endpoint} endpoint
 * @returns {Promise<Resource>}
 * @throws {PlazaError}
 */
export async function connect(peer, endpoint) {
  await peer.setLocalDescription();
  const response = await ask(endpoint, "POST", endpoint.url, {
    headers: { "Content-Type": "application/sdp" },
    body: peer.localDescription?.sdp ?? "",
  });
  const location = response.headers.get("Location");
  if (response.status !== 201 || location === null) throw strange(endpoint.url, response.status);
  const base = new URL(endpoint.url, globalThis.location?.href);
  const links = linksOf(response.headers.get("Link"));
  const resource = {
    url: new URL(location, base).href,
    etag: response.headers.get("ETag"),
    links: Object.fromEntries(links.map(({ rel, url }) => [rel, new URL(url, base).href])),
  };
  const iceServers = iceServersOf(links);
  if (iceServers.length > 0) peer.setConfiguration({ ...peer.getConfiguration(), iceServers });
  await peer.setRemoteDescription({ type: "answer", sdp: await response.text() });
  return resource;
}

/**
 * End a session. That it is gone already, or that nobody answers, does not matter.
 *
 * @param {Resource} resource
 * @param {Endpoint} endpoint
 */
export async function disconnect(resource, endpoint) {
  // Outlives the page that is being left.
  await ask(endpoint, "DELETE", resource.url, { keepalive: true }).catch(() => {});
}

/**
 * Make a request with the endpoint's token.
 *
 * @param {Endpoint} endpoint
 * @param {string} method
 * @param {string} url
 * @param {RequestInit & {headers?: Record<string, string>}} init
 * @returns {Promise<Response>} its status is one of success
 * @throws {PlazaError}
 */
export async function ask({ token = null, fetch = globalThis.fetch }, method, url, init) {
  const headers = { ...init.headers };
  if (token !== null) headers.Authorization = `Bearer ${token}`;
  let response;
  try {
    response = await fetch(url, {
      ...init, method, headers, credentials: "omit", signal: AbortSignal.timeout(PATIENCE),
    });
  } catch (cause) {
    throw new PlazaError("unreachable", `Nothing answers at ${url}. Check the connection.`, { cause });
  }
  if (!response.ok) throw await problemOf(url, response);
  return response;
}

/** @param {string} url @param {Response} response RFC 9457 */
async function problemOf(url, response) {
  const { status } = response;
  const problem = await response.json().catch(() => null);
  if (typeof problem?.code !== "string") return strange(url, status);
  const retryAfter = Number(response.headers.get("Retry-After") ?? NaN);
  return new PlazaError(problem.code, String(problem.detail ?? problem.title), {
    status,
    retryAfter: Number.isNaN(retryAfter) ? null : retryAfter,
  });
}

/** @param {string} url @param {number} status */
function strange(url, status) {
  const sentence = `${url} answered with HTTP status ${status}, not as WHIP or WHEP do.`;
  return new PlazaError(status >= 500 || status === 429 ? "unreachable" : "wire", sentence, { status });
}

/**
 * Link headers (RFC 8288), as they come together.
 *
 * @param {string | null} header
 * @returns {Record<string, string>[]} of each its `url` and its parameters, `rel` among them
 */
export function linksOf(header) {
  const links = (header ?? "").matchAll(/<([^>]+)>((?:\s*;\s*[\w-]+="[^"]*")*)/g);
  return [...links].map(([, url, text]) => ({
    url,
    ...Object.fromEntries(
      [...text.matchAll(/([\w-]+)="([^"]*)"/g)].map(([, name, value]) => [name, value]),
    ),
  }));
}

/**
 * The ICE servers among links (RFC 9725, section 4.6).
 *
 * @param {Record<string, string>[]} links
 * @returns {RTCIceServer[]}
 */
export function iceServersOf(links) {
  return links
    .filter(({ rel }) => rel === "ice-server")
    .map(({ url: urls, username, credential }) =>
      username === undefined ? { urls } : { urls, username, credential },
    );
}
