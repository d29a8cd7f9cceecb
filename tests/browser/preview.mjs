// SPDX-License-Identifier: Apache-2.0
// Draws dashboards from their JSON and a Prometheus, and saves a picture of each: preview.mjs MODULES CHROMIUM ROOT OUT JOB.
// JOB is JSON: {prometheus, end, boards: [{file, picture, seconds, variables, note}]}. Says "ok NAME" or "bad NAME: WHY".

import { createRequire } from "node:module";
import { readFileSync } from "node:fs";

const [modules, executablePath, root, out, task] = process.argv.slice(2);
const { chromium } = createRequire(modules + "/")("playwright-core");
const job = JSON.parse(task);
const read = (path) => readFileSync(`${root}/${path}`, "utf8");
const browser = await chromium.launch({ executablePath, args: ["--no-sandbox", "--disable-gpu"] });

async function ask(path, fields) {
  const answer = await fetch(`${job.prometheus}${path}?${new URLSearchParams(fields)}`);
  const body = await answer.json();
  if (body.status !== "success") throw new Error(`${fields.query}: ${body.error}`);
  return body.data.result;
}

function inPlace(text, variables) {
  const names = Object.keys(variables).sort((a, b) => b.length - a.length);
  return names.reduce((done, name) => done.replaceAll(`$${name}`, variables[name]), text);
}

/** Answers of every query of a panel, at the end or over the time range. */
async function answered(panel, board, step) {
  const start = job.end - board.seconds;
  const answers = [];
  for (const target of panel.targets) {
    const query = inPlace(target.expr, board.variables);
    const series = target.instant
      ? await ask("/api/v1/query", { query, time: job.end })
      : await ask("/api/v1/query_range", { query, start, end: job.end, step });
    answers.push({ target, series });
  }
  return answers;
}

async function marks(json, board, step) {
  const found = [];
  for (const one of json.annotations.list.filter((a) => a.enable)) {
    const query = inPlace(one.expr, board.variables);
    const series = await ask("/api/v1/query_range", { query, start: job.end - board.seconds, end: job.end, step });
    for (const { metric, values } of series) {
      const says = one.textFormat.replace(/\{\{(\w+)\}\}/g, (_, label) => metric[label] || "");
      const times = one.useValueForTime ? values.map(([, value]) => value / 1000) : values.map(([at]) => at);
      for (const at of new Set(times)) found.push({ at, says, colour: one.iconColor, region: !one.useValueForTime });
    }
  }
  return found.filter((mark) => mark.at >= job.end - board.seconds);
}

for (const board of job.boards) {
  const json = JSON.parse(read(board.file));
  const step = Math.max(30, board.seconds / 240);
  const panels = [];
  for (const panel of json.panels) {
    panels.push(panel.type === "row" ? { panel, answers: [] } : { panel, answers: await answered(panel, board, step) });
  }
  const context = await browser.newContext({ viewport: { width: 1440, height: 900 } });
  const page = await context.newPage();
  const said = [];
  page.on("console", (message) => said.push(message.text()));
  page.on("pageerror", (error) => said.push(String(error)));
  await page.setContent(read("tests/browser/preview.html"));
  await page.addStyleTag({ content: read("watch/page/uplot/uPlot.min.css") });
  await page.addScriptTag({ content: read("watch/page/uplot/uPlot.iife.min.js") });
  await page.addScriptTag({ content: read("tests/browser/preview.js") });
  const given = { json, panels, marks: await marks(json, board, step), board, end: job.end, step };
  const empty = await page.evaluate((all) => window.draw(all), given);
  await page.screenshot({ path: `${out}/${board.picture}`, fullPage: true });
  const wrong = [...said, ...empty.map((title) => `nothing is drawn in ${title}`)];
  console.log(wrong.length ? `bad ${board.picture}: ${wrong.join("; ")}` : `ok ${board.picture}`);
  await context.close();
}
await browser.close();
