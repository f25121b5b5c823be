/**
 * The icons, loaded once and put into the page: each `use` of another file would be asked for anew.
 */
export function loadIcons() {
  const request = new XMLHttpRequest();
  request.open("GET", new URL("../icons.svg", import.meta.url));
  // Parsed by the browser as a document: no text becomes markup on the way.
  request.responseType = "document";
  request.addEventListener("load", () => {
    const sprite = request.responseXML?.documentElement;
    if (!sprite) return;
    sprite.setAttribute("class", "sprite");
    sprite.setAttribute("aria-hidden", "true");
    document.body.append(sprite);
  });
  request.send();
}
