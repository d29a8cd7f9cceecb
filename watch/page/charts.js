// SPDX-License-Identifier: Apache-2.0
// The charts: lines and a band, no stacks; a step for what moves in steps; one cursor for all.

const charts = [];
const HEIGHT = 200;
const inks = {};
/** A colour of the style, asked for once: each question makes the browser work out all styles. */
const ink = (name) => (inks[name] = inks[name] || getComputedStyle(document.documentElement).getPropertyValue("--" + name).trim());

/** What is drawn: columns after the resource's name, what they are called, colour, dashes. */
const WHERE = {
  title: (r) => `Where do the ${r.unit} go?`,
  series: [
    ["owners", "owners", "owners", []], ["best_effort", "best effort", "best-effort", [2, 2]],
    ["system", "system", "system", [6, 3]], ["peak", "predicted peak", "peak", [10, 4]],
    ["limit", "capacity less reserve", "ink", [3, 5]],
  ],
  band: [5, 4],
};
const LENT = {
  title: (r) => `What could be lent, is lent, is offered? (${r.unit})`,
  series: [["slack", "slack", "peak", [10, 4]], ["lent", "lent", "lent", []], ["offer", "offer", "owners", [2, 2]]],
  steps: true,
};
/** IO is never lent: its part is in the pressure. */
const lendable = () => (view.resource === "memory" ? "memory" : "cpu");
const other = () => (view.resource === "memory" ? "cpu" : "memory");
/** The chosen resource first: its charts stand above the fold. */
const CHARTS = [
  { ...WHERE, of: lendable }, { ...LENT, of: lendable }, { ...WHERE, of: other },
];
const PRESSURE = {
  title: () => "How near is harm? (% of the limit for strained)",
  series: [["pressure_cpu", "CPU", "owners", []], ["pressure_memory", "memory", "peak", [10, 4]], ["pressure_io", "IO", "lent", [2, 2]]],
  pressure: true,
};

function series(spec) {
  const paths = spec.steps ? uPlot.paths.stepped({ align: 1 }) : undefined;
  const short = (value) => (value === null || value === undefined ? "–" : value.toFixed(spec.pressure ? 0 : 2));
  return [
    { value: (u, time) => (time ? new Date(time * 1000).toLocaleTimeString() : "–") },
    ...spec.series.map(([, label, colour, dash]) => ({
      label, dash, paths, width: 2, spanGaps: false, points: { show: false },
      stroke: () => ink(colour), value: (u, value) => short(value),
    })),
  ];
}

function axes() {
  const one = (more) => ({ stroke: () => ink("faint"), grid: { stroke: () => ink("line"), width: 0.5 }, ticks: { stroke: () => ink("line") }, ...more });
  const seconds = (times) => times.length > 1 && times[1] - times[0] < 60;
  const short = (time, i, times) => new Date(time * 1000).toLocaleTimeString([], { hour: "2-digit", minute: "2-digit", second: seconds(times) ? "2-digit" : undefined, hour12: false });
  return [one({ space: 64, values: (u, times) => times.map(short) }), one({ size: 56 })];
}

function options(spec, box) {
  const bands = spec.band ? [{ series: spec.band, fill: () => ink("calm") + "22" }] : [];
  const drawLimit = (u) => {
    if (!spec.pressure) return;
    const y = u.valToPos(100, "y", true);
    u.ctx.save();
    u.ctx.strokeStyle = ink("critical");
    u.ctx.setLineDash([8, 6]);
    u.ctx.beginPath();
    u.ctx.moveTo(u.bbox.left, y);
    u.ctx.lineTo(u.bbox.left + u.bbox.width, y);
    u.ctx.stroke();
    u.ctx.restore();
  };
  const most = (u, low, high) => [0, Math.max(spec.pressure ? 110 : 0.1, (high || 0) * 1.08)];
  return {
    // On the right there is room for half of a time.
    padding: [null, 30, null, null],
    width: box.clientWidth, height: HEIGHT, bands, axes: axes(), series: series(spec),
    scales: { y: { range: most } }, legend: { live: true, markers: { width: 3, dash: (u, i) => (u.series[i].dash && u.series[i].dash.length ? "dashed" : "solid") } },
    cursor: { sync: { key: "gleaner" }, drag: { x: true, y: false } },
    hooks: { draw: [drawLimit] },
  };
}

/** The numbers that a chart shows, in its unit. */
function numbers(spec) {
  if (spec.pressure) return withGaps(spec.series.map(([name]) => name), 10);
  const resource = spec.of();
  return withGaps(spec.series.map(([name]) => `${resource}_${name}`), RESOURCES[resource].per);
}

function makeCharts() {
  const all = document.getElementById("charts");
  all.hidden = false;
  for (const spec of [...CHARTS, PRESSURE]) {
    const box = document.createElement("div");
    const title = document.createElement("h2");
    const plot = document.createElement("div");
    plot.className = "plot";
    plot.tabIndex = 0;
    plot.setAttribute("role", "group");
    box.append(title, plot);
    all.append(box);
    const chart = { spec, title, plot, u: new uPlot(options(spec, plot), numbers(spec), plot) };
    plot.addEventListener("keydown", (event) => moveCursor(chart.u, event));
    new ResizeObserver(() => chart.u.setSize({ width: plot.clientWidth, height: HEIGHT })).observe(plot);
    charts.push(chart);
  }
  makeReactions(all);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", repaint);
}

/** Draws with the colours that there are now. */
function repaint() {
  for (const name of Object.keys(inks)) delete inks[name];
  drawCharts();
  drawReactions();
}

function moveCursor(u, event) {
  const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
  if (!step || !u.data[0].length) return;
  event.preventDefault();
  const last = u.data[0].length - 1;
  const idx = Math.min(last, Math.max(0, (u.cursor.idx === null || u.cursor.idx === undefined ? last : u.cursor.idx) + step));
  u.setCursor({ left: u.valToPos(u.data[0][idx], "x"), top: 10 });
}

function zoomOut() {
  for (const { u } of charts) u.setScale("x", { min: u.data[0][0], max: u.data[0][u.data[0].length - 1] });
}

function drawCharts() {
  for (const chart of charts) {
    const shown = numbers(chart.spec);
    chart.u.setData(shown);
    // Without a cursor the legend says the latest numbers.
    if (chart.u.cursor.idx === null || chart.u.cursor.idx === undefined) chart.u.setLegend({ idx: shown[0].length - 1 });
    const resource = chart.spec.pressure ? null : RESOURCES[chart.spec.of()];
    chart.title.textContent = (resource ? resource.name + ": " : "") + chart.spec.title(resource);
    const label = describe(chart, shown);
    chart.plot.setAttribute("aria-label", label);
    const canvas = chart.plot.querySelector("canvas");
    canvas.setAttribute("role", "img");
    canvas.setAttribute("aria-label", label);
  }
}

/** "CPU: Where do the cores go? Last 10 minutes: owners 31.0 to 43.0, predicted peak 41.0" */
function describe(chart, shown) {
  const spans = chart.spec.series.map(([, name], i) => {
    const known = shown[i + 1].filter((value) => value !== null);
    if (!known.length) return `${name} unknown`;
    const [low, high] = [Math.min(...known), Math.max(...known)].map((value) => value.toFixed(1));
    return low === high ? `${name} ${low}` : `${name} ${low} to ${high}`;
  });
  return `${chart.title.textContent} Last ${RANGE_WORDS[view.range]}: ${spans.join(", ")}.`;
}

const reactions = { found: null, u: null, title: null, plot: null };

/** The fifth chart: how soon corrections came, one bar a bucket. */
function makeReactions(all) {
  const box = document.createElement("div");
  reactions.title = document.createElement("h2");
  reactions.plot = document.createElement("div");
  reactions.plot.className = "plot";
  box.append(reactions.title, reactions.plot);
  all.append(box);
  reactions.title.textContent = "How soon was harm answered? (corrections since the start)";
  new ResizeObserver(() => { if (reactions.u) reactions.u.setSize({ width: reactions.plot.clientWidth, height: HEIGHT }); }).observe(reactions.plot);
}

const shortTime = (s) => (s < 1 ? `${Math.round(s * 1000)} ms` : `${s} s`);

function drawReactions(found = reactions.found) {
  if (!found) return;
  reactions.found = found;
  const bounds = found.bounds_seconds, words = [...bounds.map((s) => `≤ ${shortTime(s)}`), `> ${shortTime(bounds[bounds.length - 1])}`];
  const rows = [words.map((_, i) => i), found.counts];
  if (!reactions.u) reactions.u = reactionPlot(words, bounds.indexOf(found.promise_seconds), rows);
  reactions.u.setData(rows);
  const canvas = reactions.plot.querySelector("canvas");
  canvas.setAttribute("role", "img");
  canvas.setAttribute("aria-label", `${reactions.title.textContent} ${found.said}`);
}

/** Bars; a dashed line behind the bucket of the promise. */
function reactionPlot(words, promised, rows) {
  const line = { stroke: () => ink("faint"), grid: { show: false }, ticks: { show: false } };
  const drawPromise = (u) => {
    const x = u.valToPos(promised + 0.5, "x", true);
    u.ctx.save();
    u.ctx.strokeStyle = ink("critical");
    u.ctx.setLineDash([8, 6]);
    u.ctx.beginPath();
    u.ctx.moveTo(x, u.bbox.top);
    u.ctx.lineTo(x, u.bbox.top + u.bbox.height);
    u.ctx.stroke();
    u.ctx.restore();
  };
  return new uPlot({
    width: reactions.plot.clientWidth, height: HEIGHT,
    scales: { x: { time: false, range: () => [-0.6, words.length - 0.4] }, y: { range: (u, low, high) => [0, Math.max(1, high || 0) * 1.1] } },
    axes: [{ ...line, splits: () => words.map((_, i) => i), values: () => words.map((word, i) => (i % 2 === promised % 2 || reactions.plot.clientWidth > 700 ? word : "")) }, { ...line, size: 56, incrs: [1, 2, 5, 10, 20, 50, 100, 1000, 10000] }],
    series: [{ label: "Within", value: (u, i) => (words[i] === undefined ? "–" : words[i]) }, { label: `corrections; the promise is ${words[promised]}`, stroke: () => ink("owners"), fill: () => ink("owners") + "66", paths: uPlot.paths.bars({ size: [0.8] }), points: { show: false } }],
    legend: { live: true }, cursor: { drag: { x: false, y: false } }, hooks: { draw: [drawPromise] },
  }, rows, reactions.plot);
}

/** At most sixty rows of the same numbers. */
function drawTable() {
  const table = document.querySelector("#data table");
  const shown = [...CHARTS, PRESSURE].flatMap((spec) => {
    const [at, ...columns] = numbers(spec);
    const of = spec.pressure ? "% of limit, " : `${RESOURCES[spec.of()].name} ${RESOURCES[spec.of()].unit}, `;
    return spec.series.map(([, name], i) => ({ at, name: of + name, column: columns[i] }));
  });
  const at = shown[0].at;
  const every = Math.max(1, Math.ceil(at.length / 60));
  const rows = at.map((time, i) => [time, i]).filter(([, i]) => (at.length - 1 - i) % every === 0).reverse();
  const cells = (kind, texts) => {
    const row = document.createElement("tr");
    for (const text of texts) row.append(Object.assign(document.createElement(kind), { textContent: text }));
    return row;
  };
  const head = document.createElement("thead"), body = document.createElement("tbody");
  head.append(cells("th", ["When", ...shown.map(({ name }) => name)]));
  for (const cell of head.querySelectorAll("th")) cell.scope = "col";
  for (const [time, i] of rows) {
    const values = shown.map(({ column }) => (column[i] === null || column[i] === undefined ? "–" : column[i].toFixed(2)));
    body.append(cells("td", [new Date(time * 1000).toLocaleTimeString(), ...values]));
  }
  table.replaceChildren(head, body);
}
