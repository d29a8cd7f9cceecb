// SPDX-License-Identifier: Apache-2.0
// Wires it together: history first, then one frame a second; polls where no stream is to be had.

// Of the time that only goes on: the clock of the machine may be put back.
let heard = performance.now();
let stream = null, eventsSeen = -1, actsSeen = -1, polling = false;

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
  heard = performance.now();
  byId("link").textContent = view.paused ? "paused" : "live";
  if (!byId("gone").hidden) recover(frame);
  if (view.paused) return;
  showWords(frame);
  if (!BROKEN.includes(frame.state) && appendRow(frame.at_ms / 1000, frame.row)) draw();
  const other = frame.acts !== actsSeen;
  actsSeen = frame.acts;
  if (frame.events !== eventsSeen) {
    eventsSeen = frame.events;
    showEvents().catch(() => { eventsSeen = -1; });
    showTables();
  } else if (other) {
    showActs().catch(() => { actsSeen = -1; });
  }
}

function listen() {
  if (stream || document.hidden) return;
  stream = new EventSource("/v1/live");
  stream.onmessage = (message) => {
    polling = false;
    take(JSON.parse(message.data));
  };
  stream.onerror = () => {
    // Closed for good means 204: all places are taken. Asked again, for somebody may leave.
    if (!stream || stream.readyState !== EventSource.CLOSED) return;
    stream = null;
    polling = true;
    poll();
    setTimeout(listen, 10000);
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
  const quiet = (performance.now() - heard) / 1000, gone = byId("gone");
  if (document.hidden || quiet < (polling ? 15 : 3)) return;
  if (gone.hidden) byId("status").textContent = "Disconnected.";
  gone.hidden = false;
  gone.textContent = `Disconnected: no news for ${quiet.toFixed(0)} s, retrying. What is shown is of ${byId("clock").textContent}.`;
  byId("link").textContent = "disconnected";
  showTitle("disconnected");
  document.body.classList.add("late");
}

/** News again. Who still counts its decisions was there all the time, and has what this page missed. */
function recover(frame) {
  byId("gone").hidden = true;
  byId("status").textContent = "Connected again.";
  showTitle(document.body.dataset.state);
  document.body.classList.toggle("late", BROKEN.includes(document.body.dataset.state));
  if (frame.tick > Number(byId("tick").textContent)) loadHistory();
}

function showTables() {
  for (const show of [showActs, showTasks, showPolicies, showReactions, showWell]) show().catch(() => {});
}

function onVisibility() {
  if (document.hidden) return stopListening();
  heard = performance.now();
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
  loadHistory().then(() => performance.mark("drawn"));
  // The first frame asks for the tables.
  listen();
  setInterval(watchLink, 1000);
  setInterval(() => { if (!document.hidden && !view.paused) showTables(); }, 5000);
  setInterval(() => { if (!document.hidden && !view.paused && data.step !== 1) loadHistory(); }, 15000);
}

start();
