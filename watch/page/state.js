// SPDX-License-Identifier: Apache-2.0
// What the page remembers: what is looked at (in the URL), and the columns behind the charts.
"use strict";

const RANGES = { "10m": 600, "1h": 3600, "6h": 21600 };
const RANGE_WORDS = { "10m": "10 minutes", "1h": "hour", "6h": "6 hours" };
const RESOURCES = { cpu: { name: "CPU", unit: "cores", per: 1000 }, memory: { name: "Memory", unit: "GiB", per: 1048576 }, io: { name: "IO" } };

const asked = new URLSearchParams(location.search);
const view = {
  range: RANGES[asked.get("range")] ? asked.get("range") : "10m",
  resource: RESOURCES[asked.get("resource")] ? asked.get("resource") : "cpu",
  table: asked.get("table") === "1",
  paused: false,
  keys: true,
};
try { view.keys = localStorage.getItem("gleaner-keys") !== "off"; } catch (e) { /* storage is switched off */ }

/** Columns as they came: names → list; `at` in seconds. */
const data = { at: [], columns: {}, step: 1, names: [] };

function remember() {
  const url = new URLSearchParams();
  if (view.range !== "10m") url.set("range", view.range);
  if (view.resource !== "cpu") url.set("resource", view.resource);
  if (view.table) url.set("table", "1");
  const text = url.toString();
  history.replaceState(null, "", text ? "?" + text : location.pathname);
}

/** Replaces everything by an answer of /v1/history. */
function replaceData(answer) {
  data.names = answer.names;
  data.step = answer.step_ms / 1000;
  data.at = answer.at_ms.map((ms) => ms / 1000);
  data.columns = {};
  answer.names.forEach((name, i) => { data.columns[name] = answer.columns[i]; });
}

/** Adds one row; only where a row is a second. */
function appendRow(at, row) {
  if (data.step !== 1 || !data.names.length) return false;
  const last = () => data.at[data.at.length - 1];
  // The clock was put back: rows ahead of it would tie a knot into every line.
  while (last() > at) {
    data.at.pop();
    data.names.forEach((name) => data.columns[name].pop());
  }
  if (last() === at) return false;
  data.at.push(at);
  data.names.forEach((name, i) => data.columns[name].push(row[i]));
  while (data.at[0] < at - RANGES["10m"]) {
    data.at.shift();
    data.names.forEach((name) => data.columns[name].shift());
  }
  return true;
}

/** Times and columns with a hole where rows are missing: a gap must look like a gap. */
function withGaps(names, per) {
  const at = [], columns = names.map(() => []);
  data.at.forEach((time, i) => {
    const before = data.at[i - 1];
    if (i && time - before > 2.5 * data.step) {
      at.push(before + data.step);
      columns.forEach((column) => column.push(null));
    }
    at.push(time);
    names.forEach((name, c) => {
      const value = data.columns[name] ? data.columns[name][i] : null;
      columns[c].push(value === null || value === undefined ? null : value / per);
    });
  });
  return [at, ...columns];
}
