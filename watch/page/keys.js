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
  ["i", "IO", () => setResource("io")],
  ["t", "data as table", () => toggleTable()],
  ["/", "filter tasks", () => byId("filter").focus()],
  ["g d", "go to the list of decisions", () => location.assign("/decisions")],
  ["g t", "go to the tasks", () => goTo("tasks-section")],
  ["Escape", "leave the filter, show the whole range", () => zoomOut()],
];

/** The first of two keys, while the second is waited for. */
let leader = "";

function goTo(id) {
  byId(id).scrollIntoView();
  byId(id).focus({ preventScroll: true });
}

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
  const pressed = leader ? `${leader} ${event.key}` : event.key;
  const leads = !leader && KEYS.some(([key]) => key.startsWith(`${event.key} `) && key !== " ");
  leader = leads ? event.key : "";
  const entry = KEYS.find(([key]) => key === pressed);
  if (!entry) return;
  event.preventDefault();
  entry[2]();
}

function toggleHelp() {
  const keys = byId("keys");
  keys.hidden = !keys.hidden;
  byId("help").setAttribute("aria-expanded", String(!keys.hidden));
}
