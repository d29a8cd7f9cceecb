// SPDX-License-Identifier: Apache-2.0
// Shows one trace and resource at a time.
"use strict";
(() => {
  const sections = [...document.querySelectorAll("section")];
  if (sections.length < 2) return;
  const select = document.createElement("select");
  select.setAttribute("aria-label", "trace and resource");
  for (const section of sections) select.add(new Option(section.dataset.title));
  const show = () => sections.forEach((section, i) => { section.hidden = i !== select.selectedIndex; });
  select.addEventListener("change", show);
  document.getElementById("choose").append(select);
  show();
})();
