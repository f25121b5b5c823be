/** Everything that the views know about, made once somebody is logged in. */

import { followActivity } from "./activity.js";
import { Members } from "./members.js";
import { People } from "./people.js";
import { Previews } from "./previews.js";
import { Route } from "./route.js";
import { Scope } from "./scope.js";

export class Model {
  scope = new Scope();
  route = new Route();
  /** @type {Map<string, string>} room or room/thread -> what has been typed and not sent */
  drafts = new Map();

  /**
   * @param {any} rest of the SDK
   * @param {any} client of the SDK, connected
   */
  constructor(rest, client) {
    this.rest = rest;
    this.client = client;
    this.people = new People(rest);
    this.people.remember([client.user]);
    for (const { peer } of client.rooms.values()) if (peer) this.people.remember([peer]);
    this.members = new Members(rest, client, this.people);
    this.previews = new Previews(client);
    this.scope.add(
      client.on("room_added", (/** @type {any} */ { peer }) => {
        if (peer) this.people.remember([peer]);
      }),
    );
    followActivity(client, this.scope);
  }

  /** Oneself. */
  get own() {
    return this.client.user;
  }

  /** @param {any} room @returns {string} what it is called here */
  titleOf(room) {
    return room.kind === "dm" ? (room.peer?.username ?? "Deleted account") : (room.title ?? "Untitled");
  }

  /** The rooms, the one where something happened last first. @returns {any[]} */
  rooms() {
    // Ids grow with time, too: they order rooms whose last message is not known yet.
    const ranked = [...this.client.rooms.values()].map((room) => ({
      room,
      at: this.previews.at(room.id),
      id: room.id.padStart(19, "0"),
    }));
    const order = (/** @type {string} */ one, /** @type {string} */ other) =>
      one < other ? 1 : one > other ? -1 : 0;
    ranked.sort((one, other) => order(one.at, other.at) || order(one.id, other.id));
    return ranked.map(({ room }) => room);
  }

  /** @param {string} account */
  isHidden(account) {
    return this.client.blocked.has(account) || this.client.muted.has(account);
  }

  /** Open the conversation with somebody. @param {string} account */
  async openDm(account) {
    const room = await this.client.createRoom("dm", { members: [account] });
    this.route.openRoom(room.id);
  }

  close() {
    this.scope.close();
    this.route.close();
  }
}
