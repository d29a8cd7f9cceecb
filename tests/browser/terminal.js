// SPDX-License-Identifier: Apache-2.0
// Draws what `tmux capture-pane -e` gave, in a page that is empty.

(captured) => {
  const COLOURS = ["#1b1b1b", "#e06c60", "#5fd7a7", "#e5c454", "#6cb6ff", "#d7a0e0", "#6fd3e0", "#eceae6"];

  /** The colours and weights of a terminal (ECMA-48, SGR) as elements. */
  function styled(text) {
    return text.split("\u001b[").map((part, i) => {
      if (i === 0) return { style: "", text: part };
      const [, codes, rest] = part.match(/^([\d;]*)m([^]*)$/) || [null, "", part];
      return { codes: codes.split(";").map(Number), text: rest };
    }).reduce((done, { codes, text: rest }) => {
      const now = { ...(done.at(-1) || { bold: false, faint: false, turned: false, colour: null }) };
      // 38;5;n is colour n of 256, of which the first eight are the terminal's own.
      const own = (codes || []).join(";").replace(/38;5;([0-7])(?=;|$)/g, (_, n) => String(30 + Number(n)));
      for (const code of own ? own.split(";").map(Number) : []) {
        if (code === 0) Object.assign(now, { bold: false, faint: false, turned: false, colour: null });
        if (code === 1) now.bold = true;
        if (code === 2) now.faint = true;
        if (code === 7) now.turned = true;
        if (code === 27) now.turned = false;
        if (code === 22) Object.assign(now, { bold: false, faint: false });
        if (code >= 30 && code <= 37) now.colour = COLOURS[code - 30];
        if (code === 39) now.colour = null;
      }
      return [...done, { ...now, text: rest }];
    }, []);
  }

  document.body.replaceChildren(document.createElement("pre"));
  const pre = document.querySelector("pre");
  document.body.style.cssText = "margin: 0; background: #16181a";
  pre.style.cssText = "margin: 0; padding: 16px; display: inline-block; color: #eceae6; font: 15px/1.25 'DejaVu Sans Mono', monospace";
  for (const part of styled(captured)) {
    const span = document.createElement("span");
    span.textContent = part.text;
    if (part.bold) span.style.fontWeight = "700";
    if (part.faint) span.style.opacity = "0.7";
    if (part.colour) span.style.color = part.colour;
    if (part.turned) span.style.cssText += "; background: #eceae6; color: #16181a";
    pre.append(span);
  }
}
