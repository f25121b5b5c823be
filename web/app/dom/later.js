/**
 * Many changes, one rendering: before the next frame, or soon in a page that nobody sees.
 *
 * @param {() => void} render
 * @returns {() => void} asks for a rendering
 */
export function later(render) {
  let due = false;
  const run = () => {
    due = false;
    render();
  };
  return () => {
    if (due) return;
    due = true;
    if (document.hidden) setTimeout(run, 100);
    else requestAnimationFrame(run);
  };
}
