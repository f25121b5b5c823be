/** The start: the login, or the conversations of who is logged in. */

import { Client, LocalTokens, Rest } from "../sdk/plaza.js";
import { openRegions } from "./dom/announce.js";
import { loadIcons } from "./dom/icons.js";
import { fill } from "./dom/h.js";
import { Model } from "./state/model.js";
import { entryView } from "./views/entry.js";
import { shellView } from "./views/shell.js";
import { startView } from "./views/start.js";

const rest = new Rest(location.origin, { tokens: new LocalTokens("plaza") });

/** @type {{close: () => void} | null} what runs while somebody is logged in */
let running = null;

const root = /** @type {HTMLElement} */ (document.getElementById("plaza"));

/** @param {Node} view */
function show(view) {
  fill(root, view);
}

/** @param {string} [notice] why one has to log in again */
function logIn(notice = "") {
  document.title = "Plaza";
  show(entryView(rest.session, enter, notice));
}

async function enter() {
  const client = new Client(rest, { gaps: "report", commandTimeout: 86_400 });
  running = { close: () => void client.close() };
  show(startView(client));
  try {
    await client.connect();
  } catch (error) {
    if (running) leave(/** @type {Error} */ (error).message);
    return;
  }
  const model = new Model(rest, client);
  const shell = shellView(model);
  running = {
    close() {
      shell.close();
      model.close();
      void client.close();
    },
  };
  show(shell.element);
  shell.start();
}

/** @param {string} [notice] */
function leave(notice = "") {
  running?.close();
  running = null;
  sessionStorage.clear();
  for (const dialog of document.querySelectorAll("dialog")) dialog.close();
  logIn(notice);
}

loadIcons();
openRegions();
rest.session.on("end", (/** @type {any} */ error) => leave(error?.message ?? ""));

if (rest.session.active) void enter();
else logIn();
