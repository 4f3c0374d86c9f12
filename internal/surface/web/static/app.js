// What a page does beyond links and forms: it stays current, and it can be used
// by keyboard. Without it every page is still whole.
"use strict";

// The server says that something changed; everything live asks again (htmx,
// which moves only what differs). Several changes in a row ask once.
if (document.querySelector("[data-live]") && window.EventSource) {
  const stream = new EventSource("/events");
  let waiting = null;
  stream.addEventListener("changed", () => {
    if (waiting) return;
    waiting = setTimeout(() => {
      waiting = null;
      if (!document.hidden) document.body.dispatchEvent(new CustomEvent("provisor:changed"));
    }, 200);
  });
  document.addEventListener("visibilitychange", () => {
    if (!document.hidden) document.body.dispatchEvent(new CustomEvent("provisor:changed"));
  });
  window.addEventListener("pagehide", () => stream.close());
}

// "/" goes to the search; j, k and the arrows go through the rows of the table
// in which the focus is, or of the first one.
document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  const typing = event.target.closest("input, textarea, select");
  if (event.key === "/" && !typing) {
    const search = document.querySelector("main input[type=search]") || document.querySelector("input[type=search]");
    if (search) { event.preventDefault(); search.focus(); search.select(); }
    return;
  }
  const down = event.key === "ArrowDown" || (event.key === "j" && !typing);
  const up = event.key === "ArrowUp" || (event.key === "k" && !typing);
  if (!down && !up) return;
  const rows = [...document.querySelectorAll("[data-rows] a[data-row]")];
  const here = rows.indexOf(document.activeElement);
  if (here < 0 && event.key.startsWith("Arrow") && !(typing && down)) return;
  const next = rows[here < 0 ? 0 : here + (down ? 1 : -1)];
  if (next) { event.preventDefault(); next.focus(); }
});
