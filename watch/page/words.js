// SPDX-License-Identifier: Apache-2.0
// The words: states, sentences, banners, tables. All text goes in as text, never as HTML.

const byId = (id) => document.getElementById(id);
const MARKS = { calm: "●", strained: "▲", critical: "■", stale: "✕", poisoned: "✕", disconnected: "✕" };
/** States whose numbers are not to be relied on. */
const BROKEN = ["stale", "poisoned"];
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
  showTitle(frame.state);
  byId("mode").textContent = frame.mode;
  byId("observing").hidden = frame.mode !== "observe";
  byId("tick").textContent = frame.tick;
  byId("clock").textContent = clock(frame.at_ms);
  showTroubles(frame.troubles);
  document.body.classList.toggle("late", BROKEN.includes(frame.state));
  announce(frame);
}

function showTitle(state) {
  document.title = `${MARKS[state] || "○"} ${state.toUpperCase()} ${document.body.dataset.node}`;
}

/** One line each, with the command that explains it. */
function showTroubles(troubles) {
  byId("trouble").hidden = !troubles.length;
  byId("trouble").replaceChildren(...troubles.map(({ what, command }) => {
    const line = cell("p", what);
    if (command) line.append(" ", cell("code", command));
    return line;
  }));
}

/** Screen readers hear a change of word, at most every ten seconds; Critical at once. */
function announce(frame) {
  const word = ["cpu", "memory", "io"].map((id) => (frame[id] ? frame[id].state : "")).join(" ");
  const now = performance.now();
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

const clock = (ms) => new Date(ms).toLocaleTimeString([], { timeZoneName: "short" });

function explainLink(event, text) {
  const link = cell("a", text);
  link.href = `/decisions/${event.tick}`;
  link.dataset.tick = event.tick;
  return link;
}

async function showEvents() {
  const all = await ask("/v1/events");
  const open = new Set([...document.querySelectorAll("#events .story")].map((row) => row.dataset.number));
  const rows = all.flatMap((event) => {
    const row = document.createElement("tr"), more = event.correction || { because: "", came: "" };
    row.dataset.number = event.number;
    row.className = event.correction && !event.correction.takes ? "minor" : "";
    row.append(cell("td", clock(event.at_ms)), cell("td", event.resource), cell("td", event.text), cell("td", more.because), cell("td", more.came));
    const last = cell("td", "");
    if (event.tick !== null) last.append(explainLink(event, `#${event.tick}`));
    row.append(last);
    const kept = open.has(String(event.number)) && document.querySelector(`#events .story[data-number="${event.number}"]`);
    return kept ? [row, kept] : [row];
  });
  byId("events").tBodies[0].replaceChildren(...rows);
  showLast(all);
}

/** What was taken back last, an eviction before all else. */
function showLast(all) {
  const event = all.find((one) => one.correction && one.correction.action === "evict") || all.find((one) => one.correction && one.correction.takes);
  if (!event) return;
  const { because, came } = event.correction;
  byId("last").replaceChildren(`Last taken back: ${clock(event.at_ms)} ${event.text}, because ${because}${came ? ` (${came})` : ""}. `);
  if (event.tick !== null) byId("last").append(explainLink(event, "Why this one?"));
}

/** A click without a modifier opens the explanation below its row; the link itself leads to the same as a page. */
function onExplain(event) {
  const link = event.target.closest("a[data-tick]");
  if (!link || event.ctrlKey || event.metaKey || event.shiftKey || event.button) return;
  event.preventDefault();
  const row = link.closest("tr"), below = row.nextElementSibling;
  if (below && below.classList.contains("story")) {
    below.remove();
    link.setAttribute("aria-expanded", "false");
    return;
  }
  ask(`/v1/decisions/${link.dataset.tick}`).then(({ story }) => {
    const more = document.createElement("tr"), box = cell("td", "");
    more.className = "story";
    more.dataset.number = row.dataset.number;
    box.colSpan = row.cells.length;
    box.append(...storyParts(story));
    more.append(box);
    row.after(more);
    link.setAttribute("aria-expanded", "true");
  }).catch(() => { location.href = link.href; });
}

function storyParts(story) {
  const parts = [cell("p", story.title), ...story.notes.map((note) => cell("p", note))];
  for (const section of story.sections) {
    parts.push(cell("h3", section.heading));
    if (section.rows.length) parts.push(storyTable(section));
    for (const line of section.lines) parts.push(Object.assign(cell("p", line.text), { className: line.deep ? "deep" : "" }));
  }
  return parts;
}

function storyTable(section) {
  const table = document.createElement("table"), head = table.createTHead().insertRow(), body = table.createTBody();
  for (const column of section.columns) head.append(Object.assign(cell("th", column.name), { scope: "col", className: column.number ? "number" : "" }));
  for (const texts of section.rows) {
    const row = body.insertRow();
    texts.forEach((text, i) => row.append(Object.assign(cell("td", text), { className: section.columns[i].number ? "number" : "" })));
  }
  return table;
}

/** What goes on: since when, and until when at most. */
async function showActs() {
  const { under_way: all, more } = await ask("/v1/acts");
  const lines = all.map((act) => {
    const until = act.until_ms === null ? ", until all is calm again. " : `, until ${clock(act.until_ms)} at the latest. `;
    const line = cell("li", `${act.action} ${act.task.name} for ${act.resource}, since ${clock(act.since_ms)}${until}`);
    if (act.tick !== null) line.append(explainLink(act, "Why?"));
    return line;
  });
  if (more) lines.push(cell("li", `and ${more} more`));
  byId("acts").replaceChildren(...lines);
  byId("under-way").hidden = !lines.length;
}

async function showReactions() {
  const found = await ask("/v1/reactions");
  byId("reacted").textContent = found.said;
  drawReactions(found);
}

async function showWell() {
  byId("own").textContent = (await ask("/v1/self")).said;
}

const shortBytes = (bytes) => (bytes === null ? "–" : bytes < 1048576 ? `${(bytes / 1024).toFixed(0)} KiB` : bytes < 1073741824 ? `${(bytes / 1048576).toFixed(1)} MiB` : `${(bytes / 1073741824).toFixed(1)} GiB`);
const shortAge = (s) => (s < 120 ? `${s.toFixed(0)} s` : s < 7200 ? `${(s / 60).toFixed(0)} min` : s < 172800 ? `${(s / 3600).toFixed(0)} h` : `${(s / 86400).toFixed(0)} d`);

let tasks = [];

async function showTasks() {
  tasks = (await ask("/v1/tasks")).tasks;
  filterTasks();
}

/** Best-effort ones first, in the order in which they would go if this resource ran short. */
function inOrder(a, b) {
  const classes = { best_effort: 0, guaranteed: 1, system: 2 };
  const place = (task) => (task.goes[view.resource] && task.goes[view.resource].number) || Infinity;
  const first = classes[a.class] - classes[b.class];
  return first || (place(a) === place(b) ? (b.used_cores || 0) - (a.used_cores || 0) : place(a) - place(b));
}

function filterTasks() {
  const wanted = byId("filter").value.toLowerCase();
  const found = tasks.filter((task) => task.name.toLowerCase().includes(wanted)).sort(inOrder);
  const rows = found.slice(0, 100).map((task) => {
    const row = document.createElement("tr"), name = cell("th", task.name), goes = task.goes[view.resource];
    name.scope = "row";
    name.title = task.why;
    const cores = task.used_cores === null ? "–" : task.used_cores.toFixed(2);
    const promised = task.allocation_millicpus === null ? "–" : (task.allocation_millicpus / 1000).toFixed(2);
    row.append(cell("td", (goes && goes.number) || "–"), name, cell("td", task.class.replace("_", "-")), cell("td", cores), cell("td", promised),
      cell("td", shortBytes(task.working_set_bytes)), cell("td", task.held.join(", ") || "–"), cell("td", shortAge(task.age_seconds)), cell("td", goes ? goes.why : ""));
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
