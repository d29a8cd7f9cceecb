// SPDX-License-Identifier: Apache-2.0
// Drives chromium for a test: driver.mjs MODULES CHROMIUM FLAG… Each line of input is [VERB, ARGUMENT…]; each is answered by
// one line, {"ok": ANSWER} or {"bad": "WHY"}. It ends with its input. The other side is `tests/src/browser.rs`.

import { createRequire } from "node:module";
import { createInterface } from "node:readline";
import { readFileSync } from "node:fs";

const [modules, executablePath, ...flags] = process.argv.slice(2);
const require = createRequire(modules + "/");
const { chromium } = require("playwright-core");
const axe = readFileSync(require.resolve("axe-core/axe.min.js"), "utf8");
// Hinting would depend on how the machine's fonts are configured, and pictures with it.
const browser = await chromium.launch({ executablePath, args: ["--no-sandbox", "--disable-gpu", "--font-render-hinting=none", ...flags] });
const look = { viewport: { width: 1280, height: 720 }, timezoneId: "UTC", locale: "en-GB", colorScheme: "light" };
const tabs = new Map();

const plain = (answer) => (answer === null || typeof answer !== "object" || Array.isArray(answer) || Object.getPrototypeOf(answer) === Object.prototype ? answer : null);

const verbs = {
  async open(number, url, options) {
    const context = await browser.newContext({ ...look, ...options });
    const page = await context.newPage();
    const tab = { page, said: [], asked: [] };
    page.on("console", (message) => tab.said.push(message.text()));
    page.on("pageerror", (error) => tab.said.push(String(error)));
    page.on("request", (request) => tab.asked.push(request.url()));
    tabs.set(number, tab);
    await page.goto(url);
  },
  /** Any method of Playwright's page, or of its keyboard or clock: "click", "keyboard.press". */
  async call(number, method, ...given) {
    const path = method.split(".");
    const name = path.pop();
    const owner = path.reduce((one, part) => one[part], tabs.get(number).page);
    return plain(await owner[name](...given));
  },
  /** Evaluates until it is true; null after so many milliseconds. */
  async until(number, expression, most) {
    for (const end = performance.now() + most; performance.now() < end;) {
      // A page that is being left evaluates nothing.
      if (await tabs.get(number).page.evaluate(expression).catch(() => false)) return true;
      await new Promise((resolve) => { setTimeout(resolve, 20); });
    }
    return null;
  },
  async violations(number) {
    const { violations } = await tabs.get(number).page.evaluate(`${axe}; axe.run()`);
    return violations.map((one) => `${one.id}: ${one.nodes.map((node) => node.target).join(", ")}`);
  },
  said: (number) => tabs.get(number).said,
  asked: (number) => tabs.get(number).asked,
  async devtools(number, method, given) {
    const tab = tabs.get(number);
    tab.protocol = tab.protocol || await tab.page.context().newCDPSession(tab.page);
    return tab.protocol.send(method, given);
  },
  async close(number) {
    await tabs.get(number).page.context().close();
    tabs.delete(number);
  },
};

for await (const line of createInterface({ input: process.stdin })) {
  const [verb, ...given] = JSON.parse(line);
  const answer = await Promise.resolve().then(() => verbs[verb](...given)).then(
    (ok) => ({ ok: ok === undefined ? null : ok }),
    (error) => ({ bad: String(error) }),
  );
  console.log(JSON.stringify(answer));
}
await browser.close();
