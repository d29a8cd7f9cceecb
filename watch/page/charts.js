// SPDX-License-Identifier: Apache-2.0
// The charts: lines and a band, no stacks; a step for what moves in steps; one cursor for all.

const charts = [];
const HEIGHT = 200;
const ink = (name) => getComputedStyle(document.documentElement).getPropertyValue("--" + name).trim();

/** What is drawn: names of columns after the resource's, what they are called, colour, dashes. */
const CHARTS = [
  {
    title: (r) => `Where do the ${r.unit} go?`,
    series: [
      ["owners", "owners", "owners", []], ["best_effort", "best effort", "best-effort", [2, 2]],
      ["system", "system", "system", [6, 3]], ["peak", "predicted peak", "peak", [10, 4]],
      ["limit", "capacity less reserve", "ink", [3, 5]],
    ],
    band: [5, 4],
  },
  {
    title: (r) => `What could be lent, is lent, is offered? (${r.unit})`,
    series: [["slack", "slack", "peak", [10, 4]], ["lent", "lent", "lent", []], ["offer", "offer", "owners", [2, 2]]],
    steps: true,
  },
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
  return [one({}), one({ size: 56 })];
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
    width: box.clientWidth, height: HEIGHT, bands, axes: axes(), series: series(spec),
    scales: { y: { range: most } }, legend: { live: true, markers: { width: 3, dash: (u, i) => (u.series[i].dash && u.series[i].dash.length ? "dashed" : "solid") } },
    cursor: { sync: { key: "gleaner" }, drag: { x: true, y: false } },
    hooks: { draw: [drawLimit] },
  };
}

/** The numbers that a chart shows, in its unit. */
function numbers(spec) {
  if (spec.pressure) return withGaps(spec.series.map(([name]) => name), 10);
  const per = RESOURCES[view.resource].per;
  return withGaps(spec.series.map(([name]) => `${view.resource}_${name}`), per);
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
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", drawCharts);
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
    const resource = RESOURCES[view.resource];
    chart.title.textContent = (chart.spec.pressure ? "" : resource.name + ": ") + chart.spec.title(resource);
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

/** At most sixty rows of the same numbers. */
function drawTable() {
  const table = document.querySelector("#data table");
  const shown = [...CHARTS, PRESSURE].flatMap((spec) => {
    const [at, ...columns] = numbers(spec);
    return spec.series.map(([, name], i) => ({ at, name, column: columns[i] }));
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
