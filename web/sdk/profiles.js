/** Accounts and how one stands to them, from the wire: the server leaves out what is at its default. */

import { authorOf, mediaOf } from "./posts.js";

/** @typedef {Record<string, any>} Fields */

const RELATIONSHIP = {
  following: false, requested: false, followed_by: false, requested_by: false, friend: false,
  close: false, blocked: false, muted: false,
};
const PERSON = { relationship: null };
const PROFILE = {
  pronouns: "", bio: "", bio_html: "", location: "", website: "", birthday: null, interests: [],
  avatar_media: null, banner: null, visibility: "public", posts: 0, followers: 0, following: 0,
};
const EXPORT = { url: null, bytes: null, expires_at: null };

/**
 * @param {Fields} fields
 * @returns {import("./types_rest.js").Relationship}
 */
export function relationshipOf(fields) {
  return /** @type {any} */ ({ ...RELATIONSHIP, ...fields });
}

/**
 * @param {Fields} fields
 * @returns {import("./types_rest.js").Person}
 */
export function personOf(fields) {
  /** @type {Fields} */
  const person = { ...PERSON, ...authorOf(fields) };
  if (person.relationship !== null) person.relationship = relationshipOf(person.relationship);
  return /** @type {any} */ (person);
}

/**
 * @param {Fields} fields
 * @returns {import("./types_rest.js").Profile}
 */
export function profileOf(fields) {
  /** @type {Fields} */
  const profile = { ...PROFILE, ...personOf(fields) };
  if (profile.avatar_media !== null) profile.avatar_media = mediaOf(profile.avatar_media);
  if (profile.banner !== null) profile.banner = mediaOf(profile.banner);
  return /** @type {any} */ (profile);
}

/**
 * @param {Fields} fields
 * @returns {import("./types_rest.js").Export}
 */
export function exportOf(fields) {
  return /** @type {any} */ ({ ...EXPORT, ...fields });
}
