// What a page gains from a script: keys, and counts that live. All of it works
// without.
"use strict";
(() => {
  const rows = () => [...document.querySelectorAll("[data-row] [data-open]")].filter((a) => a.offsetParent !== null);
  const typing = (e) => e.target.closest("input, textarea, select, [contenteditable]");

  // Keys: / searches, j and k move through rows (arrows, too, once in a row).
  // Enter opens, for a row that is reached is a link that has the focus.
  const step = (by) => {
    const all = rows();
    if (all.length === 0) return false;
    const row = document.activeElement?.closest("[data-row]");
    const at = row ? all.findIndex((a) => row.contains(a)) : -1;
    const next = at < 0 ? (by > 0 ? 0 : all.length - 1) : Math.min(Math.max(at + by, 0), all.length - 1);
    all[next].focus();
    all[next].closest("[data-row]").scrollIntoView({ block: "nearest" });
    return true;
  };
  document.addEventListener("keydown", (e) => {
    if (e.ctrlKey || e.metaKey || e.altKey || e.isComposing) return;
    const box = typing(e);
    if (box) {
      if (e.key === "Escape") box.blur();
      if (e.key === "ArrowDown" && box.matches("[data-search=page]") && step(1)) e.preventDefault();
      return;
    }
    const inRow = document.activeElement?.closest("[data-row]");
    const moves = { j: 1, k: -1, ArrowDown: inRow && 1, ArrowUp: inRow && -1 };
    if (e.key === "/") {
      const search = document.querySelector("[data-search=page]") ?? document.querySelector("[data-search]");
      if (!search) return;
      search.focus();
      search.select();
      e.preventDefault();
    } else if (e.key === "?") {
      const help = document.getElementById("keys");
      help.open = !help.open;
      if (help.open) help.scrollIntoView({ block: "nearest" });
    } else if (e.key === "x" && inRow?.querySelector("[data-pick]")) {
      inRow.querySelector("[data-pick]").click();
    } else if (moves[e.key] && step(moves[e.key])) {
      e.preventDefault();
    }
  });

  // On a narrow page the menu scrolls: where one is must be seen.
  const here = document.querySelector(".bar nav [aria-current]");
  if (here) here.parentElement.scrollLeft = here.offsetLeft - here.parentElement.clientWidth / 2;

  // Rows that are chosen are counted; "all shown" ticks them, and none is ticked
  // that one cannot see.
  document.addEventListener("change", (e) => {
    const form = e.target.closest("form");
    if (!form || !e.target.matches("[data-pick], [data-all]")) return;
    const boxes = [...form.querySelectorAll("[data-pick]")], all = form.querySelector("[data-all]");
    if (e.target === all) for (const box of boxes) box.checked = all.checked;
    const n = boxes.filter((box) => box.checked).length;
    if (all) all.checked = n === boxes.length;
    for (const told of form.querySelectorAll("[data-chosen]")) told.textContent = n ? `${n} chosen` : "";
  });

  // A value is copied where the browser lets a page do that.
  for (const button of document.querySelectorAll("[data-copy]")) button.hidden = !navigator.clipboard;
  document.addEventListener("click", async (e) => {
    const button = e.target.closest("[data-copy]");
    if (!button) return;
    await navigator.clipboard.writeText(button.dataset.copy);
    button.textContent = "Copied";
    setTimeout(() => (button.textContent = "Copy"), 1500);
  });

  // The path of a chosen item may stand below what one sees.
  document.addEventListener("htmx:after:swap", () => {
    const panel = document.getElementById("path");
    if (panel && panel.getBoundingClientRect().top > innerHeight - 120) panel.scrollIntoView({ block: "start" });
  });

  // Live counts: parts of the page that differ take the place of the old ones,
  // and the focus stays where it was. A page that nobody sees hangs up.
  const live = document.querySelector("[data-live]");
  if (!live) return;
  let since = new URL(live.dataset.live, location.href), source;
  const take = (message) => {
    const fresh = document.createElement("template");
    fresh.innerHTML = message.data;
    for (const part of fresh.content.querySelectorAll("[data-part]")) {
      const old = document.getElementById(part.id);
      if (!old || old.innerHTML === part.innerHTML) continue;
      const focused = old.contains(document.activeElement) && document.activeElement.getAttribute("href");
      old.replaceChildren(...part.childNodes);
      old.classList.remove("fresh");
      void old.offsetWidth; // so that the highlight begins anew
      old.classList.add("fresh");
      if (focused) [...old.querySelectorAll("a")].find((a) => a.getAttribute("href") === focused && a.getClientRects().length)?.focus();
    }
    since.searchParams.set("since", message.lastEventId);
  };
  const listen = () => {
    source?.close();
    source = undefined;
    if (document.hidden) return;
    source = new EventSource(since);
    source.addEventListener("live", take);
  };
  document.addEventListener("visibilitychange", listen);
  window.addEventListener("pagehide", () => source?.close());
  window.addEventListener("pageshow", (e) => e.persisted && listen());
  listen();
})();
