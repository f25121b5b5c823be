/* What the plot below the pointer says there, beside the pointer. */

/** A plugin for uPlot: `title(index)` is above the values. */
function tooltip(title, unit) {
  const box = element("div", "tooltip");
  box.hidden = true;

  function show(chart) {
    const { left, top, idx } = chart.cursor;
    // Plots that only follow another one's pointer show their values in their legends.
    const isHere = chart.root.matches(":hover, :focus-within, :focus") || focused(chart);
    box.hidden = !isHere || idx === null || idx === undefined || left < 0;
    if (box.hidden) return;
    box.replaceChildren(element("p", "", title(idx)), values(chart, idx, unit));
    const { clientWidth, clientHeight } = chart.over;
    const { offsetWidth, offsetHeight } = box;
    const beside = left + 14 + offsetWidth > clientWidth ? left - 14 - offsetWidth : left + 14;
    box.style.left = `${Math.max(0, Math.min(beside, clientWidth - offsetWidth))}px`;
    box.style.top = `${Math.max(0, Math.min(top - 10, clientHeight - offsetHeight))}px`;
  }

  return {
    hooks: {
      init: (chart) => chart.over.append(box),
      setCursor: show,
    },
  };
}

function focused(chart) {
  return chart.root.parentElement === document.activeElement;
}

function values(chart, index, unit) {
  const list = element("dl");
  chart.series.forEach((series, number) => {
    const value = chart.data[number]?.[index];
    if (number === 0 || !series.show || value === null || value === undefined) return;
    const row = element("div");
    const name = element("dt", "", series.label);
    name.prepend(swatch(series.token, series.dash));
    row.append(name, element("dd", "", `${short(value)} ${unit}`));
    list.append(row);
  });
  return list;
}

/** A piece of a line, in its colour. */
function swatch(token, dashed) {
  const made = element("span", dashed ? "swatch dashed" : "swatch");
  made.style.setProperty("--swatch", `var(--line-${token})`);
  return made;
}
