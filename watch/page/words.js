// SPDX-License-Identifier: Apache-2.0
// The words: states, sentences, banners, tables. All text goes in as text, never as HTML.

const byId = (id) => document.getElementById(id);
const MARKS = { calm: "●", strained: "▲", critical: "■" };
const BROKEN = {
  stale: "Stale: no good reading. Nothing is offered.",
  poisoned: "Stopped itself after a bug; lends nothing.",
};
const told = { word: "", at: 0 };

function showWords(frame) {
  for (const id of ["cpu", "memory", "io"]) {
    const section = byId(id), said = frame[id];
    if (!section || !said) continue;
    section.dataset.state = said.state;
    section.querySelector(".state").textContent = said.state;
    section.querySelector(".headline").textContent = said.headline;
    section.querySelector(".limit").textContent = said.limit;
  }
  document.body.dataset.state = frame.state;
  document.title = `${MARKS[frame.state] || "○"} ${frame.state.toUpperCase()} ${document.body.dataset.node}`;
  byId("mode").textContent = frame.mode;
  byId("observing").hidden = frame.mode !== "observe";
  byId("tick").textContent = frame.tick;
  byId("clock").textContent = new Date(frame.at_ms).toLocaleTimeString([], { timeZoneName: "short" });
  banner(BROKEN[frame.state] || (frame.troubles ? `${frame.troubles} things do not work here; see below.` : ""));
  document.body.classList.toggle("late", frame.state in BROKEN);
  announce(frame);
}

function banner(text) {
  byId("trouble").textContent = text;
  byId("trouble").hidden = !text;
}

/** Screen readers hear a change of word, at most every ten seconds; Critical at once. */
function announce(frame) {
  const word = ["cpu", "memory", "io"].map((id) => (frame[id] ? frame[id].state : "")).join(" ");
  const now = Date.now();
  if (word === told.word || (now - told.at < 10000 && frame.state !== "critical")) return;
  const first = told.word === "";
  told.word = word;
  told.at = now;
  if (first) return;
  byId(frame.state === "critical" ? "alert" : "status").textContent = `CPU ${frame.cpu.state}. ${frame.cpu.headline} Memory ${frame.memory.state}.`;
}

function cell(kind, text) {
  return Object.assign(document.createElement(kind), { textContent: text });
}

async function showEvents() {
  const all = await ask("/v1/events");
  const rows = all.map((event) => {
    const row = document.createElement("tr");
    row.append(cell("td", new Date(event.at_ms).toLocaleTimeString()), cell("td", event.resource), cell("td", event.text));
    return row;
  });
  byId("events").tBodies[0].replaceChildren(...rows);
}

const shortBytes = (bytes) => (bytes === null ? "–" : bytes < 1048576 ? `${(bytes / 1024).toFixed(0)} KiB` : bytes < 1073741824 ? `${(bytes / 1048576).toFixed(1)} MiB` : `${(bytes / 1073741824).toFixed(1)} GiB`);
const shortAge = (s) => (s < 120 ? `${s.toFixed(0)} s` : s < 7200 ? `${(s / 60).toFixed(0)} min` : s < 172800 ? `${(s / 3600).toFixed(0)} h` : `${(s / 86400).toFixed(0)} d`);

let tasks = [];

async function showTasks() {
  tasks = (await ask("/v1/tasks")).tasks;
  const order = { best_effort: 0, guaranteed: 1, system: 2 };
  tasks.sort((a, b) => order[a.class] - order[b.class] || (b.used_cores || 0) - (a.used_cores || 0));
  filterTasks();
}

function filterTasks() {
  const wanted = byId("filter").value.toLowerCase();
  const found = tasks.filter((task) => task.name.toLowerCase().includes(wanted));
  const rows = found.slice(0, 100).map((task) => {
    const row = document.createElement("tr"), name = cell("th", task.name);
    name.scope = "row";
    name.title = task.why;
    const cores = task.used_cores === null ? "–" : task.used_cores.toFixed(2);
    const promised = task.allocation_millicpus === null ? "–" : (task.allocation_millicpus / 1000).toFixed(2);
    row.append(name, cell("td", task.class), cell("td", cores), cell("td", promised), cell("td", shortBytes(task.working_set_bytes)), cell("td", shortAge(task.age_seconds)));
    return row;
  });
  byId("tasks").tBodies[0].replaceChildren(...rows);
  byId("found").textContent = `${Math.min(found.length, 100)} of ${tasks.length}`;
}

const percent = (ratio) => (ratio === null ? "–" : `${(ratio * 100).toFixed(2)} %`);

/** The live policy beside the others; nothing where there are no others. */
async function showPolicies() {
  const all = (await ask("/v1/policies")).policies;
  byId("policies").hidden = all.every((policy) => policy.live);
  const rows = all.map((policy) => {
    const row = document.createElement("tr"), name = cell("th", policy.live ? `${policy.policy} (live)` : policy.policy);
    name.scope = "row";
    const offer = policy.resource === "cpu" ? `${(policy.offer / 1000).toFixed(2)} cores` : shortBytes(policy.offer);
    row.append(name, cell("td", policy.resource), cell("td", offer), cell("td", shortAge(policy.horizon_seconds)), cell("td", percent(policy.asked_ratio)), cell("td", percent(policy.achieved_ratio)));
    return row;
  });
  document.querySelector("#policies tbody").replaceChildren(...rows);
}
