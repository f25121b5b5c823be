/** Posts and what happens in feeds, from the wire: the server leaves out what is at its default. */

/** @typedef {Record<string, any>} Fields */

const AUTHOR = { display_name: "", avatar: null, verified: false };
const PREVIEW = { title: "", description: "", site: "", image: null, blurhash: null };
const POLL = { multiple: false, closes_at: null, closed: false, voters: 0, chosen: [] };
const VARIANT = { width: null, height: null };
const MEDIA = {
  name: "", alt: "", width: null, height: null, duration_ms: null, blurhash: null, variants: [],
};
const UPLOAD = { name: "", alt: "", length: null, received: 0, media: null, problem: null };
const POST = {
  visibility: "public", status: "published", content: "", warning: null, link: null, preview: null,
  media: [], poll: null, tags: [], mentions: [], shared_id: null, shared: null, publish_at: null,
  edited_at: null, edits: 0, likes: 0, comments: 0, shares: 0, liked: false, bookmarked: false,
  shared_by_me: false,
};
const VERSION = { content: "", warning: null, link: null, media: [] };
const COMMENT = {
  author: null, parent: null, content: "", mentions: [], edited_at: null, deleted: false, likes: 0,
  replies: 0, liked: false,
};
const COUNTERS = { votes: null, voters: null };

/**
 * @param {Fields} fields
 * @returns {import("./types.js").Post}
 */
export function postOf(fields) {
  /** @type {Fields} */
  const post = { ...POST, ...fields, author: authorOf(fields.author) };
  post.media = post.media.map(mediaOf);
  if (post.preview !== null) post.preview = { ...PREVIEW, ...post.preview };
  if (post.poll !== null) post.poll = pollOf(post.poll);
  if (post.shared !== null) post.shared = postOf(post.shared);
  return /** @type {any} */ (post);
}

/**
 * @param {Fields} fields
 * @returns {import("./types.js").Comment}
 */
export function commentOf(fields) {
  /** @type {Fields} */
  const comment = { ...COMMENT, ...fields };
  if (comment.author !== null) comment.author = authorOf(comment.author);
  return /** @type {any} */ (comment);
}

/**
 * @param {Fields} fields
 * @returns {import("./types.js").Author}
 */
export function authorOf(fields) {
  return /** @type {any} */ ({ ...AUTHOR, ...fields });
}

/**
 * @param {Fields} fields
 * @returns {import("./types_rest.js").PostVersion}
 */
export function versionOf(fields) {
  /** @type {Fields} */
  const version = { ...VERSION, ...fields };
  version.media = version.media.map(mediaOf);
  return /** @type {any} */ (version);
}

/**
 * @param {Fields} fields
 * @returns {import("./types.js").Upload}
 */
export function uploadOf(fields) {
  /** @type {Fields} */
  const upload = { ...UPLOAD, ...fields };
  if (upload.media !== null) upload.media = mediaOf(upload.media);
  return /** @type {any} */ (upload);
}

/**
 * @param {Fields} fields
 * @returns {import("./types.js").Media}
 */
export function mediaOf(fields) {
  /** @type {Fields} */
  const media = { ...MEDIA, ...fields };
  media.variants = media.variants.map((/** @type {Fields} */ variant) => ({ ...VARIANT, ...variant }));
  return /** @type {any} */ (media);
}

/**
 * @param {Fields} fields
 * @returns {import("./types.js").Poll}
 */
export function pollOf(fields) {
  const options = fields.options.map((/** @type {Fields} */ option) => ({ votes: 0, ...option }));
  return /** @type {any} */ ({ ...POLL, ...fields, options });
}

/**
 * What an event of a feed tells; null: it is none.
 *
 * @param {Fields} fields
 * @returns {Fields | null}
 */
export function feedEventOf({ t, ...fields }) {
  switch (t) {
    case "feed.new_post":
    case "feed.post_updated":
      return { feed: fields.feed, post: postOf(fields.post) };
    case "feed.post_deleted":
      return { feed: fields.feed, post: fields.post };
    case "feed.counters":
      return { ...COUNTERS, ...fields };
    case "feed.new_comment":
      return { comment: commentOf(fields.comment) };
    default:
      return null;
  }
}
