// Before the first paint, and therefore no module: the theme that the user chose, if any.
(() => {
  try {
    const theme = localStorage.getItem("plaza.theme");
    if (theme === "light" || theme === "dark") document.documentElement.dataset.theme = theme;
  } catch {
    // Storage is switched off: the system's theme it is.
  }
})();
