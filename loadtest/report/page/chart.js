/* One plot: a chart of uPlot's, its legend, its table. */

const HEIGHT = 220; // of the area and its axis, without the rows of labels
const DASH = [5, 4];
const NOWHERE = { left: -10, top: -10 };
const LABEL = 62; // pixels of the name of a percentile

/** Everything that belongs to a `Plot` of loadtest/report/plot.py. */
class Chart {
  /**
   * @param {any} plot
   * @param {any} drawn all plots: times, runs, marks, levels
   * @param {(range: {min: number, max: number}) => void} zoomed the part that is shown has changed
   */
  constructor(plot, drawn, zoomed) {
    this.plot = plot;
    this.drawn = drawn;
    this.zoomed = zoomed;
    this.overTime = plot.over === "time";
    this.axis = this.overTime ? drawn.times : drawn.levels;
    this.log = plot.log;
    this.hidden = new Set();
    this.figure = document.getElementById(plot.id);
    this.canvas = this.figure.querySelector(".canvas");
    this.outputs = [];
    this.legend();
    this.table();
    this.canvas.addEventListener("keydown", (event) => this.step(event));
    this.canvas.addEventListener("blur", () => this.chart.setCursor(NOWHERE, true, true));
    new ResizeObserver(() => this.resize()).observe(this.canvas);
    this.draw();
  }

  get marks() {
    return this.overTime ? this.drawn.marks : [];
  }

  /** Draw it anew: in the colours, and on the scale, of now. */
  draw() {
    const range = this.chart && { ...this.chart.scales.x };
    this.chart?.destroy();
    const width = Math.max(this.canvas.clientWidth, 200);
    this.chart = new uPlot(this.options(width), this.values(), this.canvas);
    if (range && range.min !== undefined) this.show(range);
  }

  /** Show a part of the axis. */
  show({ min, max }) {
    this.chart.setScale("x", { min, max });
  }

  resize() {
    const width = this.canvas.clientWidth;
    if (width && width !== this.chart.width) this.chart.setSize({ width, height: this.height() });
  }

  height() {
    return HEIGHT + rowsOf(this.marks) * ROW;
  }

  values() {
    const shown = (value) => (this.log && value <= 0 ? null : value);
    return [this.axis, ...this.plot.lines.map((line) => line.values.map(shown))];
  }

  options(width) {
    return {
      width,
      height: this.height(),
      padding: [10 + rowsOf(this.marks) * ROW, this.overTime ? 22 : 28, 0, 0],
      legend: { show: false },
      cursor: {
        sync: { key: this.plot.over, setSeries: false, scales: ["x", null] },
        points: { size: 7 },
        drag: { x: true, y: false },
      },
      scales: {
        x: { time: false, distr: this.overTime ? 1 : 3, range: (_, min, max) => this.range(min, max) },
        y: this.log ? { distr: 3, range: logRange } : { range: this.linear() },
      },
      axes: [this.across(), this.upwards()],
      series: [{}, ...this.plot.lines.map((line) => this.series(line))],
      plugins: [drawnMarks(this.marks), tooltip((index) => this.title(index), this.plot.unit)],
      hooks: {
        setCursor: [(chart) => this.tell(chart.cursor.idx)],
        setScale: [(chart, key) => key === "x" && this.zoomed(chart.scales.x)],
      },
    };
  }

  /** The axis has room for all that is marked; zoomed, it is what was asked for. */
  range(min, max) {
    if (!this.overTime || min !== this.axis[0] || max !== this.axis.at(-1)) return [min, max];
    return [
      Math.min(min, ...this.marks.map((mark) => mark.begin)),
      Math.max(max, ...this.marks.map((mark) => mark.end)),
    ];
  }

  linear() {
    return this.plot.from_zero ? linearRange : closeRange;
  }

  across() {
    const axis = lines({ size: 34 });
    if (this.overTime) {
      const incrs = [0.1, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400];
      return { ...axis, space: 64, incrs, values: (_, splits) => splits.map(clock) };
    }
    const splits = (_, __, min, max) =>
      [2, ...Array.from({ length: 9 }, (_, place) => 10 ** (place + 1))].filter(
        (level) => level >= min && level <= max,
      );
    return { ...axis, splits, filter: (_, found) => found, values: percentileNames };
  }

  upwards() {
    const axis = lines({ size: 54, values: (_, found) => found.map(terse) });
    return this.log ? { ...axis, splits: logSplits, filter: (_, found) => found } : axis;
  }

  series(line) {
    return {
      label: line.label,
      token: line.colour,
      stroke: colour(`line-${line.colour}`),
      width: line.dashed ? 1.25 : 2,
      dash: line.dashed ? DASH : undefined,
      show: !this.hidden.has(line.label),
      points: { size: 5, filter: alone },
    };
  }

  /** What stands above the values of a place. */
  title(index) {
    if (!this.overTime) return percentile(this.axis[index]);
    const time = this.axis[index];
    return [clock(time), ...marksAt(this.marks, time)].join(" · ");
  }

  /** The values at the pointer, this plot's or another one's, into the legend. */
  tell(index) {
    this.plot.lines.forEach((line, number) => {
      const known = index !== null && index !== undefined;
      this.outputs[number].textContent = known ? short(line.values[index]) : "";
    });
  }

  /** Move the cursor by the arrow keys. */
  step(event) {
    const by = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (!by) return;
    event.preventDefault();
    const { cursor, over } = this.chart;
    const { min, max } = this.chart.scales.x;
    const first = this.axis.findIndex((place) => place >= min);
    const last = this.axis.findLastIndex((place) => place <= max);
    const next = Math.min(Math.max((cursor.idx ?? first - 1) + by, first), last);
    const left = this.chart.valToPos(this.axis[next], "x");
    this.chart.setCursor({ left, top: over.clientHeight / 3 }, true, true);
  }

  legend() {
    const legend = this.figure.querySelector(".legend");
    this.plot.lines.forEach((line, number) => {
      const button = element("button", "", "");
      button.type = "button";
      button.setAttribute("aria-pressed", "true");
      const output = element("output");
      button.append(swatch(line.colour, line.dashed), element("span", "", line.label), output);
      button.addEventListener("click", () => this.toggle(button, number));
      this.outputs.push(output);
      legend.append(button);
    });
    if (this.plot.unit === "ms") legend.append(this.scaleButton());
  }

  scaleButton() {
    const button = element("button", "scale", this.log ? "linear scale" : "log scale");
    button.type = "button";
    button.addEventListener("click", () => {
      this.log = !this.log;
      button.textContent = this.log ? "linear scale" : "log scale";
      this.draw();
    });
    return button;
  }

  toggle(button, number) {
    const { label } = this.plot.lines[number];
    const isShown = this.hidden.delete(label) || !this.hidden.add(label);
    button.setAttribute("aria-pressed", String(isShown));
    this.chart.setSeries(number + 1, { show: isShown });
  }

  /** The values as a table, made when somebody wants it. */
  table() {
    const details = this.figure.querySelector("details");
    details.addEventListener("toggle", () => {
      const place = details.querySelector(".scroll");
      if (details.open && !place.firstChild) place.append(tableOf(this));
    });
  }
}

function lines(axis) {
  return {
    font: FONT,
    stroke: colour("text-soft"),
    grid: { stroke: colour("grid"), width: 1 },
    ticks: { stroke: colour("grid"), width: 1, size: 4 },
    ...axis,
  };
}

/** Linear axes begin at zero, so that heights can be compared. */
function linearRange(_, min, max) {
  return [Math.min(min ?? 0, 0), (max ?? 0) > 0 ? max * 1.06 : 1];
}

/** Where growth is what counts. */
function closeRange(_, min, max) {
  const room = Math.max((max - min) * 0.15, max * 0.02, 1);
  return min === null || min === undefined ? [0, 1] : [Math.max(0, min - room), max + room];
}

/** Names of percentiles, without those that would run into the one before. */
function percentileNames(chart, levels) {
  let last = -LABEL;
  return levels.map((level) => {
    const at = chart.valToPos(level, "x");
    if (at - last < LABEL && level !== 10) return "";
    // 90 % is more to the point than 50 %.
    if (level === 2 && chart.valToPos(10, "x") - at < LABEL) return "";
    last = at;
    return percentile(level);
  });
}

/** Powers of ten, and where there are few of them, two and five times those. */
function logSplits(_, __, min, max) {
  const isShort = max / min < 1000;
  const found = [];
  for (let power = Math.floor(Math.log10(min)); 10 ** power <= max; power++)
    for (const times of isShort ? [1, 2, 5] : [1])
      if (times * 10 ** power >= min && times * 10 ** power <= max) found.push(times * 10 ** power);
  return found;
}

function logRange(_, min, max) {
  return min === null || min === undefined ? [0.1, 100] : [min / 1.25, max * 1.25];
}

/** Points only where there is no line: a value between two that are not known. */
function alone(chart, number) {
  const found = chart.data[number];
  const isKnown = (place) => found[place] !== null && found[place] !== undefined;
  const places = [];
  for (let place = 0; place < found.length; place++)
    if (isKnown(place) && !isKnown(place - 1) && !isKnown(place + 1)) places.push(place);
  return places;
}

function tableOf(chart) {
  const table = element("table");
  const head = table.createTHead().insertRow();
  const unit = chart.plot.unit && ` (${chart.plot.unit})`;
  const first = chart.overTime ? "time" : "percentile";
  for (const name of [first, ...chart.plot.lines.map((line) => line.label + unit)]) {
    const cell = element("th", "", name);
    cell.scope = "col";
    head.append(cell);
  }
  const body = table.createTBody();
  chart.axis.forEach((place, index) => {
    if (chart.plot.lines.every((line) => line.values[index] === null)) return;
    const row = body.insertRow();
    const name = element("th", "", chart.overTime ? clock(place) : percentile(place));
    name.scope = "row";
    row.append(name);
    for (const line of chart.plot.lines) row.insertCell().textContent = short(line.values[index]);
  });
  return table;
}
