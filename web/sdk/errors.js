/**
 * What can go wrong: one class, told apart by its code.
 *
 * A code is the server's (protocol/errors.py) or one of the client's own:
 *
 *     unreachable      nobody answers, or a proxy does
 *     connection_lost  the connection ended; `status` is the close code
 *     timeout          no answer in time: it may have been carried out or not
 *     closed           the client was used after it was closed
 *     wire             the peer does not speak Plaza's protocol
 */

/** The server's codes of what can succeed later, unchanged. */
export const PASSING = new Set([
  "internal",
  "media_full",
  "muted",
  "overloaded",
  "rate_limited",
  "slow_mode",
  "stream_offline",
  "too_many_connections",
  "unavailable",
]);

/** The server's codes of what fails again, unchanged. */
export const LASTING = new Set([
  "bad_offer",
  "bad_request",
  "banned",
  "blocked",
  "email_taken",
  "forbidden",
  "hello_repeated",
  "hello_required",
  "in_use",
  "invalid_credentials",
  "last_owner",
  "message_deleted",
  "method_not_allowed",
  "nonce_conflict",
  "not_found",
  "offset_conflict",
  "poll_closed",
  "precondition_failed",
  "precondition_required",
  "range_not_satisfiable",
  "refresh_reused",
  "token_expired",
  "too_large",
  "unauthorized",
  "unknown_command",
  "unsupported_media",
  "unsupported_offer",
  "unsupported_version",
  "username_taken",
]);

const OWN_PASSING = new Set(["unreachable", "connection_lost", "timeout"]);
const OWN_LASTING = new Set(["closed", "wire"]);

/** A request, command or connection has failed. */
export class PlazaError extends Error {
  /**
   * @param {string} code what has happened; see above
   * @param {string} message a sentence for people
   * @param {object} [more]
   * @param {number | null} [more.status] of HTTP, or the code of the close frame
   * @param {number | null} [more.retryAfter] seconds after which another try makes sense
   * @param {boolean} [more.mayRetry] whether the same can succeed later; by default the code says
   * @param {unknown} [more.cause]
   */
  constructor(code, message, { status = null, retryAfter = null, mayRetry, cause } = {}) {
    super(message, cause === undefined ? undefined : { cause });
    this.name = "PlazaError";
    this.code = code;
    this.status = status;
    this.retryAfter = retryAfter;
    /** Whether the same can succeed later, unchanged. */
    this.mayRetry = mayRetry ?? passes(code, retryAfter);
  }
}

/**
 * @param {string} code
 * @param {number | null} retryAfter
 */
function passes(code, retryAfter) {
  if (PASSING.has(code) || OWN_PASSING.has(code)) return true;
  if (LASTING.has(code) || OWN_LASTING.has(code)) return false;
  return retryAfter !== null; // a newer server's code
}

/**
 * Whether something that was thrown is a PlazaError with this code.
 *
 * @param {unknown} error
 * @param {...string} codes
 * @returns {error is PlazaError}
 */
export function isPlazaError(error, ...codes) {
  return error instanceof PlazaError && (codes.length === 0 || codes.includes(error.code));
}
