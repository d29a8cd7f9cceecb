// SPDX-License-Identifier: Apache-2.0
// Looks at the page with a real browser. Asks the test that started it to make things happen ("do …", answered
// by "done"), and says what it found, one line a finding: "ok NAME" or "bad NAME: WHY".

import { createRequire } from "node:module";
import { createInterface } from "node:readline";
import { readFileSync } from "node:fs";

const [modules, executablePath, url, pictures] = process.argv.slice(2);
const require = createRequire(modules + "/");
const { chromium } = require("playwright-core");
const axe = readFileSync(require.resolve("axe-core/axe.min.js"), "utf8");

const answers = createInterface({ input: process.stdin })[Symbol.asyncIterator]();
async function make(what) {
  console.log(`do ${what}`);
  await answers.next();
}

async function check(name, body) {
  try {
    const wrong = await body();
    console.log(wrong ? `bad ${name}: ${JSON.stringify(wrong)}` : `ok ${name}`);
  } catch (error) {
    console.log(`bad ${name}: ${String(error).replaceAll("\n", " ")}`);
  }
}

const browser = await chromium.launch({ executablePath, args: ["--no-sandbox", "--disable-gpu"] });

/** A page that notes everything it complains of and everything it asks for. */
async function open(options = {}, path = "") {
  const context = await browser.newContext({ viewport: { width: 1280, height: 720 }, ...options });
  const page = await context.newPage();
  const seen = { said: [], asked: [] };
  page.on("console", (message) => seen.said.push(message.text()));
  page.on("pageerror", (error) => seen.said.push(String(error)));
  page.on("request", (request) => seen.asked.push(request.url()));
  await page.goto(url + path);
  return { context, page, seen };
}

const text = (page, selector) => page.textContent(selector);
const until = (page, what, argument) => page.waitForFunction(what, argument, { timeout: 30000 });
const live = (page) => until(page, () => document.getElementById("link").textContent === "live");

async function violations(page) {
  const found = await page.evaluate(`${axe}; axe.run()`);
  return found.violations.map((one) => `${one.id}: ${one.nodes.map((node) => node.target).join(", ")}`);
}

const first = await open();
const { page } = first;
await live(page);

await check("the sentence is the decision's", async () => {
  const said = await page.evaluate(async () => (await (await fetch("/v1/decision")).json()).why.cpu);
  const shown = `${await text(page, "#cpu .headline")} ${await text(page, "#cpu .limit")}`;
  return shown === said.sentence ? null : [shown, said.sentence];
});
await check("charts are drawn", () => page.evaluate(() => {
  const empty = (canvas) => !canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height).data.some((byte) => byte);
  const all = [...document.querySelectorAll("#charts canvas")];
  return all.length !== 5 || all.some(empty) ? all.length : null;
}));
await check("names are text", async () => {
  const wanted = "<img src=x onerror=alert(1)>";
  await until(page, (name) => document.getElementById("tasks").textContent.includes(name), wanted);
  return (await page.$$("img")).length || null;
});
await check("state and sentence stand above the fold", () => page.evaluate(() => {
  const low = ["#cpu .state", "#cpu .headline", "#memory .headline", "#last"].map((one) => document.querySelector(one).getBoundingClientRect().bottom);
  return low.some((bottom) => bottom > innerHeight) ? low : null;
}));
await check("keys do what the help says", async () => {
  for (const key of ["?", "t", "m", "2"]) await page.keyboard.press(key);
  await until(page, () => document.querySelectorAll("#data tbody tr").length > 0);
  const wrong = [];
  if (await page.isHidden("#keys")) wrong.push("no help");
  if (!page.url().endsWith("?range=1h&resource=memory&table=1")) wrong.push(page.url());
  await page.keyboard.press("/");
  await page.keyboard.type("spark");
  await page.keyboard.press("Escape");
  if ((await text(page, "#tasks tbody")).includes("web/")) wrong.push("not filtered");
  await page.fill("#filter", "");
  await page.keyboard.press("Escape");
  for (const key of ["?", "t", "c", "1"]) await page.keyboard.press(key);
  if (!(await page.isHidden("#keys")) || page.url() !== url) wrong.push(page.url());
  return wrong.length ? wrong : null;
});
await check("two keys in a row go to a part of the page, and one of them alone to none", async () => {
  const wrong = [];
  const focused = () => page.evaluate(() => document.activeElement.id);
  for (const [second, id] of [["d", "decisions"], ["t", "tasks-section"]]) {
    await page.keyboard.press("g");
    await page.keyboard.press(second);
    if ((await focused()) !== id) wrong.push([second, await focused()]);
  }
  if (page.url() !== url) wrong.push(page.url());
  await page.keyboard.press("i");
  if (!page.url().endsWith("?resource=io")) wrong.push(page.url());
  await page.keyboard.press("Control+m");
  if (!page.url().endsWith("?resource=io")) wrong.push("a modifier is no key of ours");
  await page.keyboard.press("c");
  return wrong.length ? wrong : null;
});
await check("keys can be switched off, for good", async () => {
  await page.click("#help");
  await page.uncheck("#keys-on");
  await page.click("#tasks-title");
  await page.keyboard.press("m");
  const after = page.url();
  await page.reload();
  await live(page);
  await page.keyboard.press("m");
  const reloaded = page.url();
  await page.click("#help");
  await page.check("#keys-on");
  await page.click("#help");
  return after === url && reloaded === url ? null : [after, reloaded];
});
await check("the help is the table of keys", async () => {
  const shown = await page.$$eval("#keys dt", (all) => all.map((one) => one.textContent));
  const keys = await page.evaluate(() => KEYS.map(([key]) => (key === " " ? "space" : key)));
  return shown.slice(0, keys.length).join() === keys.join() && keys.length >= 13 ? null : [shown, keys];
});
await check("best-effort tasks stand in the order in which they would go, with the reason", async () => {
  const asked = await page.evaluate(async () => (await (await fetch("/v1/tasks.json")).json()).tasks);
  const first = asked.find((task) => task.goes.cpu && task.goes.cpu.number === 1);
  await until(page, () => document.querySelector("#tasks tbody td").textContent === "1");
  const row = await page.$$eval("#tasks tbody tr:first-child > *", (cells) => cells.map((cell) => cell.textContent));
  const fits = row[1] === first.name && row[2] === "best-effort" && row[8] === first.goes.cpu.why && row[8];
  return fits ? null : [row, first];
});
await check("every control can be reached by keyboard", async () => {
  const reached = new Set();
  for (let i = 0; i < 40; i += 1) {
    await page.keyboard.press("Tab");
    reached.add(await page.evaluate(() => document.activeElement.id || document.activeElement.textContent || document.activeElement.className));
  }
  const missing = ["10 min", "Memory", "pause", "table", "help", "filter", "metrics"].filter((one) => !reached.has(one));
  return missing.length ? missing : null;
});
await check("pausing holds what is shown", async () => {
  await page.click("#pause");
  const before = await text(page, "#tick");
  await make("tick");
  await until(page, () => document.getElementById("link").textContent === "paused");
  const after = await text(page, "#tick");
  await page.click("#pause");
  await until(page, (old) => document.getElementById("tick").textContent !== old, before);
  return before === after ? null : [before, after];
});
await check("harm shows, and is an event", async () => {
  await make("harm");
  await until(page, () => ["strained", "critical"].includes(document.getElementById("cpu").dataset.state));
  await until(page, () => document.getElementById("events").textContent.includes("cpu became"));
  await until(page, () => /STRAINED|CRITICAL/.test(document.title));
  return (await text(page, "#cpu .headline")).includes("owners' wait") ? null : await text(page, "#cpu .headline");
});
await check("what was evicted is said with its reason, and explained where it stands", async () => {
  await make("evict");
  await until(page, () => document.getElementById("last").textContent.includes("evict be/"));
  const wrong = [];
  if (!(await text(page, "#last")).includes("memory runs out")) wrong.push(await text(page, "#last"));
  const link = page.locator("#events tbody tr:first-child a");
  const number = (await link.textContent()).slice(1);
  const { story } = await page.evaluate(async (id) => (await fetch(`/v1/decisions/${id}`)).json(), number);
  await link.click();
  await page.waitForSelector("#events .story");
  const shown = await text(page, "#events .story");
  const said = [story.title, ...story.sections.flatMap((s) => [s.heading, ...s.rows.flat(), ...s.lines.map((l) => l.text)])];
  wrong.push(...said.filter((one) => !shown.includes(one)));
  if (story.sections.length < 2) wrong.push(story);
  await link.click();
  if (await page.$("#events .story")) wrong.push("it does not close");
  const plain = await open({ javaScriptEnabled: false }, `decisions/${number}`);
  const whole = await text(plain.page, "main");
  wrong.push(...said.filter((one) => !whole.includes(one)));
  await plain.context.close();
  const dark = await open({ colorScheme: "dark", viewport: { width: 390, height: 844 } }, `decisions/${number}`);
  wrong.push(...(await violations(dark.page)), ...dark.seen.said);
  await dark.page.screenshot({ path: `${pictures}/decision.png`, fullPage: true });
  await dark.context.close();
  const missing = await page.request.get(`${url}decisions/999999`);
  if (missing.status() !== 404 || !(await missing.text()).includes("gleaner explain 999999")) wrong.push(await missing.text());
  return wrong.length ? wrong : null;
});
await page.screenshot({ path: `${pictures}/harm.png`, fullPage: true });
await check("a viewer too many polls", async () => {
  const second = await open();
  await live(second.page);
  const asked = second.seen.asked.some((one) => one.endsWith("/v1/frame"));
  await second.context.close();
  return asked ? null : second.seen.asked;
});
const looks = {
  light: {}, dark: { colorScheme: "dark" }, phone: { viewport: { width: 390, height: 844 } },
  narrow: { viewport: { width: 320, height: 700 } }, zoomed: { viewport: { width: 640, height: 360 }, deviceScaleFactor: 2 },
  forced: { forcedColors: "active" },
};
for (const [name, options] of Object.entries(looks)) {
  const look = await open(options);
  await live(look.page);
  await look.page.waitForSelector("#charts canvas");
  await look.page.screenshot({ path: `${pictures}/${name}.png`, fullPage: true });
  await check(`${name}: accessible`, async () => { const found = await violations(look.page); return found.length ? found : null; });
  await check(`${name}: no sideways scrolling`, () => look.page.evaluate(() => (document.documentElement.scrollWidth > document.documentElement.clientWidth ? document.documentElement.scrollWidth : null)));
  await check(`${name}: nothing to complain of`, async () => (look.seen.said.length ? look.seen.said : null));
  await look.context.close();
}
await check("without a script it says the same", async () => {
  const plain = await open({ javaScriptEnabled: false });
  const wrong = [];
  if (!(await text(plain.page, "#cpu .headline")).startsWith("Would offer 0: CPU is")) wrong.push("no sentence");
  if (!(await text(plain.page, "#tasks tbody")).includes("web/task-0")) wrong.push("no tasks");
  if (await plain.page.isVisible("#controls")) wrong.push("controls that do nothing");
  await plain.context.close();
  return wrong.length ? wrong : null;
});
await check("failed readings are said in a banner", async () => {
  await make("fail");
  await until(page, () => document.body.classList.contains("late"));
  const banner = await text(page, "#trouble");
  const found = await violations(page);
  if (found.length) return found;
  return banner.startsWith("Stale") && (await text(page, "#cpu .headline")).includes("/proc/stat") ? null : banner;
});
await check("a server that is gone is said", async () => {
  const complaints = first.seen.said.length;
  await make("stop");
  await until(page, () => document.getElementById("link").textContent === "disconnected");
  return complaints ? first.seen.said : null;
});
await check("nothing is asked of anybody else", async () => {
  const foreign = first.seen.asked.filter((one) => !one.startsWith(url) && !one.startsWith("data:"));
  return foreign.length ? foreign : null;
});
await browser.close();
console.log("end");
process.exit(0);
