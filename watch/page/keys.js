// SPDX-License-Identifier: Apache-2.0
// One table makes the keys and the help about them, so the help cannot lie.

const KEYS = [
  ["?", "show or hide this help", () => toggleHelp()],
  [" ", "pause and go on", () => togglePause()],
  ["1", "ten minutes", () => setRange("10m")],
  ["2", "one hour", () => setRange("1h")],
  ["3", "six hours", () => setRange("6h")],
  ["c", "CPU", () => setResource("cpu")],
  ["m", "memory", () => setResource("memory")],
  ["t", "data as table", () => toggleTable()],
  ["/", "filter tasks", () => byId("filter").focus()],
  ["Escape", "leave the filter, show the whole range", () => zoomOut()],
];

function makeHelp() {
  const list = document.querySelector("#keys dl");
  for (const [key, what] of KEYS) list.append(cell("dt", key === " " ? "space" : key), cell("dd", what));
  list.append(cell("dt", "← →"), cell("dd", "move the cursor of a chart that has the focus"));
}

function onKey(event) {
  const inField = event.target.closest("input, select, textarea");
  if (inField && event.key === "Escape") inField.blur();
  if (inField || !view.keys || event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.key === " " && event.target.closest("button, a")) return;
  const entry = KEYS.find(([key]) => key === event.key);
  if (!entry) return;
  event.preventDefault();
  entry[2]();
}

function toggleHelp() {
  const keys = byId("keys");
  keys.hidden = !keys.hidden;
  byId("help").setAttribute("aria-expanded", String(!keys.hidden));
}
