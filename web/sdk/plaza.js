/**
 * The JavaScript SDK of Plaza, for browsers and for Node. A bot that answers every message:
 *
 *     import { Client, Rest } from "/sdk/plaza.js";
 *
 *     const rest = new Rest();
 *     await rest.session.logIn("parrot", "correct horse battery");
 *     const client = new Client(rest);
 *     client.on("message", ({ room, seq, sender, body }) => {
 *       if (sender !== client.user.id) client.send(room, body, { replyTo: seq });
 *     });
 *     await client.connect();
 *
 * A map, from the top down:
 *
 *     client       Client: rooms, events, messages on their way
 *     commands     one method a command
 *     intake       what a connection brings -> state, then listeners
 *     delivery     every entry of a log once and in order
 *     room_list    the account's rooms, kept up by events
 *     feeds        the feeds that are watched
 *     subscriptions
 *                  the channels that are listened to without joining them
 *     pending, typing, receipts, presence, markers
 *                  what their names say
 *     calls        repeats commands
 *     link         connects, and connects again
 *     connection   one WebSocket connection
 *     rest         Rest: session, accounts, rooms, messages, members, profiles, graph, posts,
 *                  engagement, comments, feed, uploads, streams
 *     session      the login, and its tokens
 *     tokens       where they are kept
 *     http         requests
 *     records      from the wire to records and events
 *     posts, profiles, streams
 *                  likewise, of feeds, accounts and live streams
 *     whip, whep   Whip and Whep: publish and watch live streams
 *     media_link   a media session that is made again when it is lost; signalling: offer, answer
 *     applied      messages as later entries leave them
 *     types, types_rest
 *                  the shapes of records and events
 *     backoff, clock, close, errors, emitter, address, nonces, pages, wakeups
 */

export { applyTo } from "./applied.js";
export { Client } from "./client.js";
export { mayReconnect } from "./close.js";
export { PlazaError, isPlazaError } from "./errors.js";
export { Rest } from "./rest.js";
export { LocalTokens, MemoryTokens } from "./tokens.js";
export { Whep } from "./whep.js";
export { Whip } from "./whip.js";
