/**
 * What people write, taken apart: links, mentions and a little markdown. Tokens in, no markup.
 *
 * @typedef {{type: "text" | "code" | "block" | "link" | "mention", text: string}} Leaf
 * @typedef {{type: "bold" | "italic", inside: Token[]}} Branch
 * @typedef {Leaf | Branch} Token
 */

const FENCE = /```(?:[a-z0-9+-]*\n)?([\s\S]*?)```/g;

// The order is the precedence: code hides everything, a link hides stars.
const INLINE = new RegExp(
  [
    /`(?<code>[^`\n]+)`/,
    /(?<link>https?:\/\/[^\s<>"`]+)/,
    /\*\*(?<bold>\S(?:[^\n]*?\S)?)\*\*/,
    /(?<![\w*])\*(?<italic>[^\s*](?:[^*\n]*[^\s*])?)\*(?![\w*])/,
    /(?<![\w@])@(?<mention>[A-Za-z0-9_]{3,30})\b/,
  ]
    .map((rule) => rule.source)
    .join("|"),
  "g",
);

/**
 * @param {string} text
 * @returns {Token[]}
 */
export function tokens(text) {
  /** @type {Token[]} */
  const found = [];
  let from = 0;
  for (const match of text.matchAll(FENCE)) {
    found.push(...inline(text.slice(from, match.index).replace(/\n$/, "")));
    found.push({ type: "block", text: match[1].replace(/\n$/, "") });
    from = match.index + match[0].length;
  }
  const rest = text.slice(from);
  return [...found, ...inline(from ? rest.replace(/^\n/, "") : rest)];
}

/**
 * @param {string} text
 * @returns {Token[]}
 */
function inline(text) {
  /** @type {Token[]} */
  const found = [];
  let from = 0;
  for (const match of text.matchAll(INLINE)) {
    const token = tokenOf(match.groups ?? {});
    if (!token) continue;
    if (match.index > from) found.push({ type: "text", text: text.slice(from, match.index) });
    found.push(token);
    from = match.index + match[0].length;
    const tail = token.type === "link" ? match[0].slice(token.text.length) : "";
    if (tail) found.push({ type: "text", text: tail });
  }
  if (from < text.length) found.push({ type: "text", text: text.slice(from) });
  return found;
}

/**
 * @param {Record<string, string | undefined>} groups
 * @returns {Token | null}
 */
function tokenOf({ code, link, bold, italic, mention }) {
  if (code !== undefined) return { type: "code", text: code };
  if (bold !== undefined) return { type: "bold", inside: inline(bold) };
  if (italic !== undefined) return { type: "italic", inside: inline(italic) };
  if (mention !== undefined) return { type: "mention", text: mention };
  const address = trimmed(link ?? "");
  return isWeb(address) ? { type: "link", text: address } : null;
}

/**
 * An address without the punctuation of the sentence that it stands in.
 *
 * @param {string} link
 */
function trimmed(link) {
  let end = link.replace(/[.,;:!?'*_]+$/, "");
  while (end.endsWith(")") && end.split("(").length < end.split(")").length) {
    end = end.slice(0, -1).replace(/[.,;:!?'*_]+$/, "");
  }
  return end;
}

/** @param {string} address */
function isWeb(address) {
  try {
    return ["http:", "https:"].includes(new URL(address).protocol);
  } catch {
    return false;
  }
}
