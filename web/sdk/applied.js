/** Messages as later entries of the log leave them. Pure. */

/** @typedef {import("./types.js").Message} Message */

/**
 * A message as it is after an entry of its room's log.
 *
 * Entries have to be applied in order. One that the message shows already changes nothing, as when
 * it was read from the log in the meantime: reactions are sets, and replies count by their seq.
 *
 * @param {Message} message
 * @param {import("./types.js").RoomEvent} entry
 * @returns {Message} the same object if the entry does not concern it
 */
export function applyTo(message, entry) {
  if (entry.room !== message.room || entry.seq <= message.seq) return message;
  if (entry.t === "message") return withReply(message, entry);
  if (entry.t === "delete" && entry.thread === message.seq) return withoutReply(message);
  if (!("target" in entry) || entry.target !== message.seq || message.deleted) return message;
  switch (entry.t) {
    case "edit":
      return edited(message, entry);
    case "delete":
      return {
        ...message, deleted: true, body: "", attachments: [], mentions: [], reactions: [],
        edited_at: null, pinned: false,
      };
    case "react":
      return reacted(message, entry.emoji, entry.sender);
    case "unreact":
      return unreacted(message, entry.emoji, entry.sender);
    case "pin":
      return message.pinned ? message : { ...message, pinned: true };
    case "unpin":
      return message.pinned ? { ...message, pinned: false } : message;
    default:
      return message;
  }
}

/**
 * @param {Message} message
 * @param {import("./types.js").Edited} entry
 */
function edited(message, entry) {
  if (entry.body === "" && message.attachments.length === 0) return message; // deleted by now
  return { ...message, body: entry.body, mentions: entry.mentions, edited_at: entry.at };
}

/**
 * @param {Message} message
 * @param {string} emoji
 * @param {string} account
 */
function reacted(message, emoji, account) {
  const present = message.reactions.find((one) => one.emoji === emoji);
  if (present === undefined) {
    return { ...message, reactions: [...message.reactions, { emoji, accounts: [account] }] };
  }
  if (present.accounts.includes(account)) return message;
  const grown = { emoji, accounts: [...present.accounts, account] };
  return { ...message, reactions: message.reactions.map((one) => (one === present ? grown : one)) };
}

/**
 * @param {Message} message
 * @param {string} emoji
 * @param {string} account
 */
function unreacted(message, emoji, account) {
  const present = message.reactions.find((one) => one.emoji === emoji);
  if (present === undefined || !present.accounts.includes(account)) return message;
  const accounts = present.accounts.filter((one) => one !== account);
  const reactions = message.reactions.flatMap((one) => {
    if (one !== present) return [one];
    return accounts.length > 0 ? [{ emoji, accounts }] : [];
  });
  return { ...message, reactions };
}

/**
 * @param {Message} message
 * @param {Message} reply
 */
function withReply(message, reply) {
  if (reply.thread !== message.seq || reply.seq <= (message.replies?.last_seq ?? 0)) return message;
  const replies = (message.replies?.replies ?? 0) + (reply.deleted ? 0 : 1);
  return { ...message, replies: { replies, last_seq: reply.seq, last_at: reply.at } };
}

/** @param {Message} message */
function withoutReply(message) {
  if (message.replies === null || message.replies.replies === 0) return message;
  return { ...message, replies: { ...message.replies, replies: message.replies.replies - 1 } };
}
