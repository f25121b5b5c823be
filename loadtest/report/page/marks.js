/* Parts of the time, behind the lines: runs and ramps as areas, what happened as lines. */

const ROW = 17; // pixels of a row of labels
const ROWS = 4;

/** How many rows the labels need. */
function rowsOf(marks) {
  return Math.min(ROWS, marks.reduce((most, mark) => Math.max(most, mark.row + 1), 0));
}

/** The marks around a time, outer ones first, in words. */
function marksAt(marks, time) {
  return marks
    .filter((mark) =>
      mark.moment
        ? mark.begin - 1 <= time && time <= mark.end + 1
        : mark.begin <= time && time <= mark.end,
    )
    .map((mark) => mark.name);
}

/** A plugin for uPlot. */
function drawnMarks(marks) {
  const outer = marks.filter((mark) => mark.row === 0 && !mark.moment);
  return { hooks: { drawClear: (chart) => draw(chart, marks, outer) } };
}

function draw(chart, marks, outer) {
  const { ctx, bbox } = chart;
  const ratio = devicePixelRatio;
  const at = (time) => chart.valToPos(time, "x", true);
  const right = bbox.left + bbox.width;
  const inside = (x) => Math.min(Math.max(x, bbox.left), right);
  ctx.save();
  ctx.font = FONT.replace("12px", `${11 * ratio}px`);
  ctx.textAlign = "left";
  ctx.textBaseline = "middle";
  for (const [number, mark] of marks.entries()) {
    const [from, to] = [inside(at(mark.begin)), inside(at(mark.end))];
    const gone = at(mark.end) < bbox.left || at(mark.begin) > right;
    if (gone) continue;
    const top = bbox.top - (rowsOf(marks) - Math.min(mark.row, ROWS - 1)) * ROW * ratio;
    if (mark.moment) {
      ctx.fillStyle = colour("band-moment");
      ctx.fillRect(from, bbox.top, to - from, bbox.height);
      ctx.strokeStyle = colour("moment");
      ctx.lineWidth = 1.5 * ratio;
      ctx.setLineDash([4 * ratio, 3 * ratio]);
      ctx.beginPath();
      ctx.moveTo(from, top + 3 * ratio);
      ctx.lineTo(from, bbox.top + bbox.height);
      ctx.stroke();
      ctx.setLineDash([]);
    } else {
      ctx.fillStyle = colour(mark.row ? "band-inner" : `band-${outer.indexOf(mark) % 2}`);
      ctx.fillRect(from, top, Math.max(to - from - ratio, ratio), bbox.top + bbox.height - top);
    }
    ctx.fillStyle = colour(mark.moment ? "moment" : "text-soft");
    const room = roomFor(marks, number, from, at, right) - 8 * ratio;
    ctx.fillText(clipped(ctx, mark.name, room), from + 5 * ratio, top + (ROW / 2) * ratio);
  }
  ctx.restore();
}

/** How wide a label may be: to its area's end, or to the next label of its row. */
function roomFor(marks, number, from, at, right) {
  const mark = marks[number];
  const next = marks.slice(number + 1).find((other) => other.row === mark.row);
  const end = mark.moment ? right : Math.min(at(mark.end), right);
  return Math.min(end, next ? at(next.begin) : right) - from;
}

function clipped(ctx, text, room) {
  if (ctx.measureText(text).width <= room) return text;
  for (let length = text.length - 1; length >= 3; length--) {
    const part = `${text.slice(0, length).trimEnd()}…`;
    if (ctx.measureText(part).width <= room) return part;
  }
  return "";
}
