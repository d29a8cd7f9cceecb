// SPDX-License-Identifier: Apache-2.0
// Draws panels where their gridPos says: a small part of what Grafana would do with the same JSON.

const CELL = 30, GAP = 8;
const PALETTE = ["#56B4E9", "#CC79A7", "#E69F00", "#009E73", "#F0E442", "#0072B2", "#D55E00", "#999999"];

function make(kind, parent, options = {}) {
  const made = Object.assign(document.createElement(kind), options);
  parent.append(made);
  return made;
}

const short = (n) => (n === 0 ? "0" : Math.abs(n) < 0.001 ? n.toExponential(1) : String(+n.toPrecision(3)));

function written(value, unit, decimals) {
  if (unit === "percentunit") return `${short(value * 100)}%`;
  if (unit === "bytes") {
    const power = Math.min(4, Math.max(0, Math.floor(Math.log2(Math.max(1, value)) / 10)));
    return `${short(value / 1024 ** power)} ${["B", "KiB", "MiB", "GiB", "TiB"][power]}`;
  }
  if (unit === "s") return value < 1 ? `${short(value * 1000)} ms` : `${short(value)} s`;
  if (unit.startsWith("dateTime")) return new Date(value).toISOString().slice(11, 19);
  if (unit.startsWith("suffix:")) return `${decimals === undefined ? short(value) : +value.toFixed(decimals)} ${unit.slice(7)}`;
  return short(value);
}

const called = (target, metric) => target.legendFormat.replace(/\{\{(\w+)\}\}/g, (_, label) => metric[label] || "");

/** What the JSON's overrides say of a series: by its query, then by its name. */
function overridden(panel, target, name) {
  const found = {};
  for (const { matcher, properties } of panel.fieldConfig.overrides) {
    const fits = matcher.id === "byFrameRefID" ? matcher.options === target.refId : matcher.options === name;
    if (fits) for (const { id, value } of properties) found[id] = value;
  }
  return found;
}

function stepColour(panel, value) {
  const steps = panel.fieldConfig.defaults.thresholds.steps;
  return steps.filter((step) => step.value === null || value >= step.value).at(-1).color;
}

function drawStat(box, panel, answers) {
  const all = answers.flatMap(({ target, series }) => series.map((one) => ({ name: called(target, one.metric), value: +one.value[1] })));
  if (!all.length) return false;
  const row = make("div", box, { className: "stats" });
  for (const { name, value } of all.slice(0, 8)) {
    const cell = make("div", row, { className: all.length > 1 || panel.options.textMode === "name" || panel.gridPos.w < 4 ? "stat small" : "stat" });
    const shown = panel.options.textMode === "name" ? name : written(value, panel.fieldConfig.defaults.unit, panel.fieldConfig.defaults.decimals);
    make("b", cell, { textContent: shown }).style.color = stepColour(panel, value);
    if (all.length > 1) make("i", cell, { textContent: name });
  }
  return true;
}

function drawTable(box, panel, answers) {
  const organize = panel.transformations.find((one) => one.id === "organize").options;
  const rows = answers.flatMap(({ series }) => series.map(({ metric, value }) => ({ ...metric, Value: +value[1] })));
  if (!rows.length) return false;
  const columns = [...new Set(rows.flatMap(Object.keys))].filter((name) => !organize.excludeByName[name]);
  const title = (name) => organize.renameByName[name] || name;
  const order = panel.options.sortBy[0];
  if (order) {
    const key = columns.find((name) => title(name) === order.displayName);
    rows.sort((a, b) => (a[key] > b[key] ? 1 : -1) * (order.desc ? -1 : 1));
  }
  const table = make("table", box);
  const head = make("tr", table);
  for (const name of columns) make("th", head, { textContent: title(name) });
  for (const row of rows.slice(0, 9)) {
    const line = make("tr", table);
    for (const name of columns) {
      const said = overridden(panel, {}, title(name));
      const text = name === "Value" ? written(row[name], said.unit || panel.fieldConfig.defaults.unit, said.decimals) : row[name];
      make("td", line, { textContent: text ?? "" });
    }
  }
  return true;
}

function axisOf(all) {
  const count = Math.round(all.board.seconds / all.step) + 1;
  return Array.from({ length: count }, (_, index) => all.end - all.board.seconds + index * all.step);
}

function onAxis(times, series, all) {
  const values = times.map(() => null);
  for (const [at, value] of series.values) {
    const index = Math.round((at - times[0]) / all.step);
    if (Number.isFinite(+value)) values[index] = +value;
  }
  return values;
}

/** A canvas for states and heat, with room for names on the left. */
function canvas(box, clear) {
  const made = make("canvas", box);
  const ratio = 2, width = box.clientWidth - 16, height = box.clientHeight - (clear ? 52 : 34);
  Object.assign(made, { width: width * ratio, height: height * ratio });
  Object.assign(made.style, { width: `${width}px`, height: `${height}px` });
  const paint = made.getContext("2d");
  paint.scale(ratio, ratio);
  paint.font = "12px DejaVu Sans, sans-serif";
  return { paint, width, height };
}

function drawClock(paint, all, left, width, height) {
  paint.fillStyle = "#9fa7b3";
  for (let part = 0; part <= 6; part += 1) {
    const at = new Date((all.end - all.board.seconds * (1 - part / 6)) * 1000).toISOString().slice(11, 16);
    const x = left + ((width - left) * part) / 6;
    paint.fillText(at, Math.max(left, Math.min(width - 34, x - 16)), height - 2);
  }
}

function drawStates(box, panel, answers, all) {
  const rows = answers.flatMap(({ target, series }) => series.map((one) => ({ name: called(target, one.metric), one })));
  if (!rows.length) return false;
  const { paint, width, height } = canvas(box, true);
  const left = 70, low = height - 16, tall = low / rows.length, options = panel.fieldConfig.defaults.mappings[0].options;
  rows.forEach(({ name, one }, index) => {
    paint.fillStyle = "#d8d9da";
    paint.fillText(name, 0, tall * (index + 0.5) + 4);
    for (const [at, value] of one.values) {
      paint.fillStyle = options[value]?.color || "#444";
      const x = left + ((at - all.end + all.board.seconds) / all.board.seconds) * (width - left);
      paint.fillRect(x, tall * index + 2, ((width - left) * all.step) / all.board.seconds + 1, tall - 4);
    }
  });
  drawClock(paint, all, left, width, height);
  const legend = make("div", box, { className: "legend" });
  for (const { text, color } of Object.values(options)) key(legend, text, color);
  return true;
}

const bound = (one) => (one.metric.le === "+Inf" ? Infinity : +one.metric.le);

function drawHeat(box, panel, answers, all) {
  const series = answers[0].series.filter((one) => "le" in one.metric).sort((a, b) => bound(a) - bound(b));
  if (!series.length) return false;
  const { paint, width, height } = canvas(box);
  const left = 56, low = height - 16, tall = low / series.length, times = axisOf(all);
  const counts = series.map((one) => onAxis(times, one, all));
  const cells = counts.map((row, index) => row.map((count, at) => Math.max(0, (count ?? 0) - (index ? counts[index - 1][at] ?? 0 : 0))));
  const most = Math.max(...cells.flat(), 1e-9);
  cells.forEach((row, index) => {
    const top = low - tall * (index + 1), le = series[index].metric.le;
    paint.fillStyle = "#9fa7b3";
    paint.fillText(le === "+Inf" ? "more" : written(+le, panel.options.yAxis.unit), 0, top + tall / 2 + 4);
    row.forEach((count, at) => {
      if (!(count > 1e-6)) return;
      paint.fillStyle = `rgba(86, 180, 233, ${0.15 + 0.85 * Math.sqrt(count / most)})`;
      paint.fillRect(left + ((width - left) * at) / times.length, top + 1, (width - left) / times.length + 0.5, tall - 1.5);
    });
  });
  drawClock(paint, all, left, width, height);
  return true;
}

function key(legend, text, colour, dashed) {
  const entry = make("span", legend);
  const swatch = make("i", entry, { className: dashed ? "dashed" : "" });
  swatch.style.background = colour;
  swatch.style.borderColor = colour;
  entry.append(text);
}

function drawMarks(chart, marks, limits) {
  const { ctx, bbox } = chart;
  ctx.setLineDash([12, 8]);
  ctx.lineWidth = 2;
  for (const { value, color } of limits) {
    const y = chart.valToPos(value, "y", true);
    if (y < bbox.top) continue;
    ctx.strokeStyle = color;
    ctx.beginPath();
    ctx.moveTo(bbox.left, y);
    ctx.lineTo(bbox.left + bbox.width, y);
    ctx.stroke();
  }
  ctx.setLineDash([]);
  for (const mark of marks) {
    const x = chart.valToPos(mark.at, "x", true);
    ctx.globalAlpha = mark.region ? 0.16 : 0.9;
    ctx.fillStyle = mark.colour;
    if (mark.region) ctx.fillRect(x, bbox.top, chart.bbox.width / 110, bbox.height);
    else ctx.fillRect(x, bbox.top, 2, bbox.height);
  }
  ctx.globalAlpha = 1;
}

function drawGraph(box, panel, answers, all) {
  const custom = panel.fieldConfig.defaults.custom, times = axisOf(all);
  const lines = answers.flatMap(({ target, series }) => series.map((one) => {
    const name = called(target, one.metric);
    return { name, values: onAxis(times, one, all), over: overridden(panel, target, name) };
  }));
  if (!lines.length) return false;
  const whole = custom.stacking.mode, bars = custom.drawStyle === "bars";
  const order = ["guaranteed", "system", "best_effort"];
  const stacked = lines.filter((line) => whole !== "none" || line.over["custom.stacking"]);
  stacked.sort((a, b) => order.indexOf(a.name) - order.indexOf(b.name));
  const rest = lines.filter((line) => !stacked.includes(line));
  const sum = times.map((_, at) => stacked.reduce((total, line) => total + (line.values[at] ?? 0), 0));
  const below = times.map(() => 0);
  for (const line of stacked) {
    line.top = line.values.map((value, at) => (value === null && !bars ? null : (below[at] += (value ?? 0) / (whole === "percent" ? sum[at] || 1 : 1))));
  }
  const drawn = [...stacked].reverse().concat(rest);
  const data = [times, ...drawn.map((line) => line.top || line.values)];
  let next = 0;
  const paths = (line) => (bars ? uPlot.paths.bars({ size: [0.9, 40] }) : line.over["custom.lineInterpolation"] === "stepAfter" ? uPlot.paths.stepped({ align: 1 }) : undefined);
  const series = drawn.map((line) => {
    line.colour = line.over.color?.fixedColor || PALETTE[next++ % PALETTE.length];
    line.dashed = Boolean(line.over["custom.lineStyle"]);
    return { stroke: line.colour, width: line.top ? 0.5 : 2, fill: line.top ? line.colour : undefined, dash: line.dashed ? [8, 6] : undefined, paths: paths(line), points: { show: false }, spanGaps: false };
  });
  const unit = panel.fieldConfig.defaults.unit, log = custom.scaleDistribution.type === "log";
  const axis = { stroke: "#9fa7b3", grid: { stroke: "#2c3235", width: 1 }, ticks: { show: false }, font: "12px sans-serif" };
  const limits = custom.thresholdsStyle.mode === "off" ? [] : panel.fieldConfig.defaults.thresholds.steps.slice(1);
  const range = log ? undefined : (_, low, high) => [Math.min(0, low), whole === "percent" ? 1 : (high || 1) * 1.08];
  new uPlot({
    width: box.clientWidth - 16, height: box.clientHeight - 54, tzDate: (at) => uPlot.tzDate(new Date(at * 1000), "UTC"),
    scales: { x: { time: true }, y: { distr: log ? 3 : 1, range } },
    axes: [{ ...axis, values: (_, ticks) => ticks.map((at) => new Date(at * 1000).toISOString().slice(11, 16)) }, { ...axis, size: 62, values: (_, ticks) => ticks.map((value) => (value === null ? "" : written(value, unit))) }],
    series: [{}, ...series], cursor: { show: false }, legend: { show: false },
    hooks: { draw: [(chart) => drawMarks(chart, all.marks, limits)] },
  }, data, box);
  const legend = make("div", box, { className: "legend" });
  for (const line of lines) key(legend, line.name, line.colour, line.dashed);
  return true;
}

const DRAW = { stat: drawStat, table: drawTable, timeseries: drawGraph, "state-timeline": drawStates, heatmap: drawHeat };

/** Draws all; answers with the titles of panels that stay empty though nothing is wrong with that only where they say so. */
window.draw = (all) => {
  const head = make("header", document.body);
  make("b", head, { textContent: all.json.title });
  make("span", head, { textContent: all.json.description });
  make("span", head, { className: "note", textContent: all.board.note });
  document.body.prepend(head);
  const grid = document.getElementById("grid"), unit = (grid.clientWidth + GAP) / 24;
  const empty = [];
  let bottom = 0;
  for (const { panel, answers } of all.panels) {
    const { x, y, w, h } = panel.gridPos, top = y * (CELL + GAP);
    bottom = Math.max(bottom, top + h * (CELL + GAP));
    if (panel.type === "row") {
      const row = make("div", grid, { className: panel.collapsed ? "row closed" : "row", textContent: `${panel.collapsed ? "▸" : "▾"} ${panel.title}` });
      row.style.top = `${top}px`;
      continue;
    }
    const box = make("div", grid, { className: "panel" });
    Object.assign(box.style, { left: `${x * unit}px`, top: `${top}px`, width: `${w * unit - GAP}px`, height: `${h * (CELL + GAP) - GAP}px` });
    make("h2", box, { textContent: panel.title });
    if (panel.type === "text") make("div", box, { className: "text", textContent: panel.options.content.replace(/[*`]/g, "") });
    else if (!DRAW[panel.type](box, panel, answers, all)) {
      const said = panel.fieldConfig.defaults.noValue || "No data";
      make("div", box, { className: "quiet", textContent: said });
      if (said.startsWith("no data") || panel.type === "state-timeline") empty.push(panel.title);
    }
  }
  grid.style.height = `${bottom}px`;
  return empty;
};
