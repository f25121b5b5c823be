/**
 * The rooms of an account, kept up by what the server says, by the rules in the docstring of Room in
 * protocol/records.py. Pure: events in, state out.
 */

/**
 * @typedef {import("./types.js").Room} Room
 * @typedef {import("./types.js").RoomEvent} RoomEvent
 */

export class RoomList {
  /** Whose rooms they are; null before the first `ready`. @type {import("./types.js").User | null} */
  user = null;
  /** @type {Map<string, Room>} */
  rooms = new Map();

  /**
   * Take over what a new connection was told.
   *
   * @param {import("./types.js").Ready} ready
   * @returns {{added: Room[], gone: string[]}} what changed while there was no connection
   */
  renew(ready) {
    const before = this.rooms;
    this.user = ready.user;
    this.rooms = new Map(ready.rooms.map((room) => [room.id, room]));
    return {
      added: ready.rooms.filter((room) => !before.has(room.id)),
      gone: [...before.keys()].filter((room) => !this.rooms.has(room)),
    };
  }

  /** @param {Room} room */
  add(room) {
    this.rooms.set(room.id, room);
  }

  /**
   * @param {string} room
   * @returns {boolean} whether it was there
   */
  remove(room) {
    return this.rooms.delete(room);
  }

  /**
   * Take in an entry of a room's log. Only the next one changes anything: each counts once, those
   * up to the `last_seq` that `ready` told are in its counts already, and one behind a hole waits
   * until the hole is filled.
   *
   * @param {RoomEvent} entry
   * @returns {Room | null} the room as it is now; null: nothing has changed
   */
  append(entry) {
    const room = this.rooms.get(entry.room);
    if (room === undefined || entry.seq !== room.last_seq + 1) return null;
    return this.#change(room, { ...this.#effect(room, entry), last_seq: entry.seq });
  }

  /**
   * Entries up to `seq` will not come.
   *
   * @param {string} id
   * @param {number} seq
   * @returns {Room | null}
   */
  skip(id, seq) {
    const room = this.rooms.get(id);
    return room === undefined || seq <= room.last_seq ? null : this.#change(room, { last_seq: seq });
  }

  /**
   * Everything up to `seq` has been read, here or on another device.
   *
   * @param {string} id
   * @param {number} seq
   * @param {{unread?: number, mentions?: number, last_seq?: number}} left above it, when the room's
   *   entries up to `last_seq` are counted: it takes the place of the room's own, be it higher
   * @returns {Room | null}
   */
  markRead(id, seq, { unread, mentions, last_seq }) {
    const room = this.rooms.get(id);
    if (room === undefined || seq < room.read_seq) return null;
    return this.#change(room, {
      read_seq: seq,
      unread: unread ?? room.unread,
      mentions: mentions ?? room.mentions,
      last_seq: last_seq ?? room.last_seq,
    });
  }

  /**
   * @param {string} id
   * @param {import("./types.js").Level} level
   * @returns {Room | null}
   */
  setLevel(id, level) {
    const room = this.rooms.get(id);
    return room === undefined ? null : this.#change(room, { notify: level });
  }

  /**
   * @param {Room} room
   * @param {Partial<Room>} change
   */
  #change(room, change) {
    const changed = { ...room, ...change };
    this.rooms.set(room.id, changed);
    return changed;
  }

  /**
   * What an entry changes in the room as one sees it.
   *
   * @param {Room} room
   * @param {RoomEvent} entry
   * @returns {Partial<Room>}
   */
  #effect(room, entry) {
    const self = this.user?.id ?? "";
    switch (entry.t) {
      case "message":
        if (entry.sender === self) return { read_seq: entry.seq, unread: 0, mentions: 0 };
        return {
          unread: room.unread + 1,
          mentions: room.mentions + Number(entry.mentions.includes(self)),
        };
      case "delete":
        if (entry.target <= room.read_seq) return {};
        return {
          unread: Math.max(0, room.unread - 1),
          mentions: Math.max(0, room.mentions - Number(entry.mentions.includes(self))),
        };
      case "edit": {
        if (entry.target <= room.read_seq) return {};
        const before = Number(entry.former_mentions.includes(self));
        const after = Number(entry.mentions.includes(self));
        return { mentions: Math.max(0, room.mentions + after - before) };
      }
      case "member":
        if (entry.account !== self) return { members: entry.members };
        return { members: entry.members, role: entry.role };
      case "mute":
        return entry.account === self ? { muted_until: entry.until } : {};
      case "title":
        return { title: entry.title };
      case "slow_mode":
        return { slow_mode: entry.seconds };
      default:
        return {};
    }
  }
}
