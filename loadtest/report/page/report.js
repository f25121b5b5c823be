/* All plots of the page: which part of the time they show, and in which colours. */

const drawn = JSON.parse(document.getElementById("plots").textContent);
const part = element("output", "soft");
let isFollowing = false; // the others are following one that was zoomed

/** @type {Chart[]} */
let charts = [];
charts = drawn.plots.map((plot) => new Chart(plot, drawn, (range) => follow(plot, range)));

/** All plots over the same axis show the same part of it. */
function follow(plot, { min, max }) {
  if (isFollowing) return;
  if (plot.over === "time") tellPart(min, max);
  isFollowing = true;
  for (const other of charts)
    if (other.plot.over === plot.over && other.plot !== plot) other.show({ min, max });
  isFollowing = false;
}

/** Say which part of the time is shown, if it is not all of it. */
function tellPart(min, max) {
  const isAll = min <= drawn.times[0] && max >= drawn.times.at(-1);
  part.textContent = isAll ? "" : `${clock(min)} to ${clock(max)}`;
}

function zoomButtons() {
  const place = document.getElementById("zoom");
  if (!place) return;
  const outer = drawn.marks.filter((mark) => mark.row === 0 && !mark.moment);
  const runs = outer.filter((mark) => !["ramp", "settling"].includes(mark.name));
  const whole = { name: "All", begin: drawn.times[0], end: drawn.times.at(-1) };
  for (const mark of [whole, ...runs]) {
    const button = element("button", "", mark.name);
    button.type = "button";
    button.addEventListener("click", () => {
      const first = charts.find((chart) => chart.overTime);
      first.show({ min: mark.begin, max: mark.end });
    });
    place.append(button);
  }
  place.append(part);
  place.hidden = false;
}

function copyButton() {
  const button = document.getElementById("copy");
  if (!navigator.clipboard) return;
  button.hidden = false;
  button.addEventListener("click", async () => {
    try {
      await navigator.clipboard.writeText(document.getElementById("command").textContent);
      button.textContent = "Copied";
    } catch {
      getSelection().selectAllChildren(document.getElementById("command"));
      button.textContent = "Selected";
    }
  });
}

function redraw() {
  for (const chart of charts) chart.draw();
}

zoomButtons();
copyButton();
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", redraw);
// On paper everything is black on white, and as wide as the paper.
for (const [event, printing] of [["beforeprint", true], ["afterprint", false]])
  addEventListener(event, () => {
    document.documentElement.classList.toggle("printing", printing);
    redraw();
  });
document.documentElement.dataset.drawn = "true";
