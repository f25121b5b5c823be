/** Signs that it is worth trying again now: the network is back, or somebody looks. */

/**
 * @param {() => void} wake
 * @returns {() => void} stops it
 */
export function browserWakeups(wake) {
  if (typeof globalThis.addEventListener !== "function") return () => {};
  const page = globalThis.document;
  const seen = () => {
    if (page.visibilityState === "visible") wake();
  };
  globalThis.addEventListener("online", wake);
  page?.addEventListener("visibilitychange", seen);
  return () => {
    globalThis.removeEventListener("online", wake);
    page?.removeEventListener("visibilitychange", seen);
  };
}
