// SPDX-License-Identifier: Apache-2.0
// Wires it together: history first, then one frame a second; polls where no stream is to be had.

let stream = null, heard = 0, eventsSeen = -1, actsSeen = -1, polling = null;

async function ask(path) {
  const answer = await fetch(path, { headers: { accept: "application/json" } });
  if (!answer.ok) throw new Error(`${path}: ${answer.status}`);
  return answer.json();
}

function press(selector, is) {
  for (const button of document.querySelectorAll(selector)) button.setAttribute("aria-pressed", String(is(button)));
}

function setRange(range) {
  view.range = range;
  press("[data-range]", (button) => button.dataset.range === range);
  remember();
  loadHistory();
}

function setResource(resource) {
  view.resource = resource;
  byId("order-of").textContent = RESOURCES[resource].name;
  press("[data-resource]", (button) => button.dataset.resource === resource);
  remember();
  draw();
  filterTasks();
}

function togglePause() {
  view.paused = !view.paused;
  press("#pause", () => view.paused);
  if (!view.paused) loadHistory();
}

function toggleTable() {
  view.table = !view.table;
  press("#table", () => view.table);
  byId("data").hidden = !view.table;
  remember();
  draw();
}

function draw() {
  drawCharts();
  if (view.table) drawTable();
}

async function loadHistory() {
  try {
    replaceData(await ask(`/v1/history?range=${view.range}`));
    draw();
  } catch (e) { /* the link line says that nothing is heard */ }
}

/** Takes in one frame. While paused only the fact that something was heard is shown. */
function take(frame) {
  heard = Date.now();
  byId("link").textContent = view.paused ? "paused" : "live";
  document.body.classList.remove("late");
  if (view.paused) return;
  showWords(frame);
  if (!(frame.state in BROKEN) && appendRow(frame.at_ms / 1000, frame.row)) draw();
  if (frame.acts !== actsSeen) {
    actsSeen = frame.acts;
    showActs().catch(() => { actsSeen = -1; });
  }
  if (frame.events !== eventsSeen) {
    eventsSeen = frame.events;
    showEvents().catch(() => { eventsSeen = -1; });
    showTables();
  }
}

function listen() {
  if (stream || document.hidden) return;
  stream = new EventSource("/v1/live");
  stream.onmessage = (message) => take(JSON.parse(message.data));
  stream.onerror = () => {
    // Closed for good means 204: all places are taken.
    if (stream && stream.readyState === EventSource.CLOSED) {
      stream = null;
      polling = polling || setInterval(poll, 10000);
      poll();
    }
  };
}

function poll() {
  if (!document.hidden) ask("/v1/frame").then(take).catch(() => {});
}

function stopListening() {
  if (stream) stream.close();
  stream = null;
}

/** The page's own trouble: says since when nothing was heard, and greys what is shown. */
function watchLink() {
  const quiet = (Date.now() - heard) / 1000;
  if (!heard || quiet < (polling ? 15 : 3)) return;
  byId("link").textContent = `no news for ${quiet.toFixed(0)} s, retrying`;
  document.body.classList.add("late");
}

function showTables() {
  for (const show of [showActs, showTasks, showPolicies, showReactions, showWell]) show().catch(() => {});
}

function onVisibility() {
  if (document.hidden) return stopListening();
  loadHistory();
  listen();
}

function start() {
  for (const time of document.querySelectorAll("time[data-ms]")) time.textContent = clock(Number(time.dataset.ms));
  byId("order-of").textContent = RESOURCES[view.resource].name;
  for (const id of ["controls", "filter-line"]) byId(id).hidden = false;
  makeHelp();
  makeCharts();
  byId("data").hidden = !view.table;
  byId("keys-on").checked = view.keys;
  press("#table", () => view.table);
  press("[data-range]", (button) => button.dataset.range === view.range);
  press("[data-resource]", (button) => button.dataset.resource === view.resource);
  for (const button of document.querySelectorAll("[data-range]")) button.addEventListener("click", () => setRange(button.dataset.range));
  for (const button of document.querySelectorAll("[data-resource]")) button.addEventListener("click", () => setResource(button.dataset.resource));
  byId("pause").addEventListener("click", togglePause);
  byId("table").addEventListener("click", toggleTable);
  byId("help").addEventListener("click", toggleHelp);
  byId("filter").addEventListener("input", filterTasks);
  byId("keys-on").addEventListener("change", (event) => {
    view.keys = event.target.checked;
    try { localStorage.setItem("gleaner-keys", view.keys ? "on" : "off"); } catch (e) { /* storage is switched off */ }
  });
  byId("events").addEventListener("click", onExplain);
  document.addEventListener("keydown", onKey);
  document.addEventListener("visibilitychange", onVisibility);
  loadHistory();
  showTables();
  listen();
  setInterval(watchLink, 1000);
  setInterval(() => { if (!document.hidden && !view.paused) showTables(); }, 5000);
  setInterval(() => { if (!document.hidden && !view.paused && data.step !== 1) loadHistory(); }, 15000);
}

start();
