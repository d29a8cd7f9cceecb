// SPDX-License-Identifier: Apache-2.0
// Looks at the page of a running daemon: live.mjs MODULES CHROMIUM URL PICTURES. Says "ok NAME" or "bad NAME: WHY". "do
// evict" asks the test for an eviction, "do explain NUMBER STORY" whether `gleaner explain` says the same.

import { createRequire } from "node:module";
import { createInterface } from "node:readline";

const [modules, executablePath, url, pictures] = process.argv.slice(2);
const { chromium } = createRequire(modules + "/")("playwright-core");
const answers = createInterface({ input: process.stdin })[Symbol.asyncIterator]();
const browser = await chromium.launch({ executablePath, args: ["--no-sandbox", "--disable-gpu"] });
const context = await browser.newContext({ viewport: { width: 1280, height: 900 } });
const page = await context.newPage();
const seen = { said: [], asked: [] };
page.on("console", (message) => seen.said.push(message.text()));
page.on("pageerror", (error) => seen.said.push(String(error)));
page.on("request", (request) => seen.asked.push(request.url()));
await page.goto(url);

async function check(name, body) {
  try {
    const wrong = await body();
    console.log(wrong ? `bad ${name}: ${JSON.stringify(wrong)}` : `ok ${name}`);
  } catch (error) {
    console.log(`bad ${name}: ${String(error).replaceAll("\n", " ")}`);
  }
}

await check("what is shown is the decision of that number", async () => {
  await page.waitForFunction(() => document.getElementById("link").textContent === "live", null, { timeout: 30000 });
  let last = null;
  for (let tries = 0; tries < 30; tries += 1) {
    last = await page.evaluate(async () => {
      // Right after it was shown; the daemon decides more often than it tells.
      await new Promise((resolve) => {
        const seer = new MutationObserver(() => { seer.disconnect(); resolve(); });
        seer.observe(document.getElementById("tick"), { childList: true });
      });
      const answer = await (await fetch("/v1/decision")).json();
      const text = (one) => document.querySelector(one).textContent;
      const shown = (id) => `${text(`#${id} .headline`)} ${text(`#${id} .limit`)}`.trim();
      return {
        ticks: [text("#tick"), String(answer.tick)], mode: [text("#mode"), answer.mode],
        cpu: [shown("cpu"), answer.why.cpu.sentence], memory: [shown("memory"), answer.why.memory.sentence],
        state: [text("#cpu .state"), answer.why.cpu.state],
      };
    });
    if (last.ticks[0] === last.ticks[1]) break;
  }
  const wrong = Object.values(last).filter(([shown, asked]) => shown !== asked);
  return wrong.length ? wrong : null;
});

console.log("do evict");
await answers.next();

/** The eviction, as soon as the daemon tells of it; null where that ends without. */
async function eviction() {
  for (;;) {
    try {
      const all = await (await fetch(`${url}v1/events`)).json();
      const found = all.find((event) => event.correction && event.correction.action === "evict" && event.correction.ending === "done");
      if (found) return found;
    } catch (error) {
      return null;
    }
    await new Promise((resolve) => { setTimeout(resolve, 100); });
  }
}

const found = await eviction();
if (!found) {
  console.log("none");
} else {
  await check("an eviction is on the page within two seconds", async () => {
    await page.waitForFunction((text) => document.getElementById("events").textContent.includes(text), found.text, { timeout: 2000 });
    const last = await page.textContent("#last");
    return last.includes(found.text) && last.includes(found.correction.because) ? null : last;
  });
  await check("its explanation is that of `gleaner explain`", async () => {
    await page.click("#last a");
    await page.waitForURL("**/decisions/*");
    const shown = await page.textContent("main");
    const { story } = await (await fetch(`${url}decisions/${found.tick}.json`)).json();
    const said = story.sections.flatMap((one) => [one.heading, ...one.rows.flat(), ...one.lines.map((line) => line.text)]);
    const missing = said.filter((one) => !shown.includes(one));
    if (missing.length) return missing;
    await page.screenshot({ path: `${pictures}/live-decision.png`, fullPage: true });
    console.log(`do explain ${found.tick} ${JSON.stringify([story.title, ...said])}`);
    const { value } = await answers.next();
    await page.goBack();
    return value === "done" ? null : value;
  });
  await page.waitForSelector("#charts canvas");
  await page.screenshot({ path: `${pictures}/live.png`, fullPage: true });
}
await check("no complaint, and nothing is asked of anybody else", async () => {
  const foreign = seen.asked.filter((one) => !one.startsWith(url) && !one.startsWith("data:"));
  return foreign.length || seen.said.length ? [...foreign, ...seen.said] : null;
});
await browser.close();
console.log("end");
process.exit(0);
