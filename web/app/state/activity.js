/** Whether somebody sits in front of this page: tells the server `online` or `away`. */

const IDLE = 5 * 60_000;
const SIGNS = ["pointerdown", "pointermove", "keydown", "wheel", "touchstart"];

/**
 * @param {any} client
 * @param {import("./scope.js").Scope} scope
 */
export function followActivity(client, scope) {
  let touched = Date.now();
  let state = "";
  const look = () => {
    const here = !document.hidden && Date.now() - touched < IDLE;
    const now = here ? "online" : "away";
    if (now === state) return;
    state = now;
    client.setPresence({ state }).catch(() => {});
  };
  for (const sign of SIGNS) {
    scope.on(window, sign, () => {
      touched = Date.now();
      if (state !== "online") look();
    });
  }
  scope.on(document, "visibilitychange", () => {
    if (!document.hidden) touched = Date.now();
    look();
  });
  scope.every(30_000, look);
  look();
}
