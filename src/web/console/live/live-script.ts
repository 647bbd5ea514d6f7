import { html } from "../../html.ts";

/** What a page says that asks for itself again, without its person: `followed`, or `lost` where it needs a new place. */
export const byItselfHeader = "x-console-by-itself";

/**
 * Shows changes: parts of the page marked `data-live` are taken anew from the page itself when something has changed.
 * What is focused stays so, and what `data-said` says is told once, since a table read aloud again tells nothing.
 * One stream for a page, none while nobody sees it: browsers have six connections for all pages of a host.
 * A change that cannot be shown now is shown once it can be; a page that is refused is loaded, so that it says so.
 */
export const liveScript = html`
(() => {
  const main = document.getElementById("main"), state = document.getElementById("state"), told = document.getElementById("told");
  let from = main.dataset.from, source, timer, pause = 1000, looking, again;
  for (const button of document.querySelectorAll("[data-copy]")) button.hidden = false;
  document.addEventListener("click", async ({ target }) => {
    const button = target.closest("[data-copy]");
    if (!button) return;
    const text = button.parentElement.previousElementSibling;
    try {
      await navigator.clipboard.writeText(text.textContent);
      told.textContent = "Copied";
    } catch {
      getSelection().selectAllChildren(text);
      told.textContent = "Selected: copy it by keyboard";
    }
  });
  addEventListener("pageshow", (event) => event.persisted && location.reload());
  if (from === undefined) return;

  const keyOf = (node) => node.id || node.getAttribute("href") || node.textContent;
  const renew = (page) => {
    const held = document.activeElement, news = [];
    const put = (old, fresh) => {
      if (old && old.isEqualNode(fresh)) return old;
      const said = fresh.dataset.said;
      if (said && (!old || old.dataset.said !== said)) {
        news.push(said);
        fresh.classList.add("changed");
      }
      if (old) old.replaceWith(fresh);
      return fresh;
    };
    for (const fresh of page.querySelectorAll("[data-live]")) {
      const old = document.getElementById(fresh.id);
      if (!old) continue;
      const rows = old.querySelector("tbody"), next = fresh.querySelector("tbody");
      if (!rows || !next || old.dataset.live !== "rows") { put(old, fresh); continue; }
      const known = new Map([...rows.rows].map((row) => [row.id, row]));
      const list = [...next.rows].map((row) => put(known.get(row.id), row));
      if (list.length !== rows.rows.length || list.some((row, at) => row !== rows.rows[at])) rows.replaceChildren(...list);
    }
    if (held && !held.isConnected) {
      const same = [...main.querySelectorAll("a, button, input, pre")].find((node) => keyOf(node) === keyOf(held));
      if (same) same.focus({ preventScroll: true });
    }
    if (news.length > 0) told.textContent = news.length > 3 ? news.length + " connections have changed" : news.join(". ");
  };
  const look = async () => {
    again = true;
    if (looking) return;
    looking = true;
    for (let wait = 250; again; ) {
      again = false;
      try {
        const isLost = source.readyState === EventSource.CLOSED;
        const page = await fetch(location.href, { headers: { "${byItselfHeader}": isLost ? "lost" : "followed" } });
        if (page.status < 500 && page.status !== 429 && !page.ok) return location.reload();
        if (!page.ok) throw page.status;
        const fresh = new DOMParser().parseFromString(await page.text(), "text/html");
        renew(fresh);
        if (isLost) from = fresh.getElementById("main").dataset.from || from;
        wait = 250;
      } catch {
        again = !document.hidden;
        wait = Math.min(2 * wait, 8000);
      }
      await new Promise((done) => setTimeout(done, wait));
    }
    looking = false;
  };
  const close = () => {
    clearTimeout(timer);
    if (source) source.close();
  };
  const goOn = () => {
    close();
    look().then(() => document.hidden || open());
  };
  const open = () => {
    close();
    source = new EventSource("/console/changes?from=" + encodeURIComponent(from));
    const hear = (name, act) => source.addEventListener(name, (event) => {
      from = event.lastEventId || from;
      act();
    });
    // What goes on record of it may follow, once the platform has answered.
    hear("change", () => [0, 3000, 15000].forEach((wait) => setTimeout(look, wait)));
    hear("synced", () => undefined);
    hear("reload", () => location.reload());
    // By the clock of this page alone: as its person's visit it would keep a session alive, with another tab for ever.
    hear("signed-out", goOn);
    source.onopen = () => {
      pause = 1000;
      state.textContent = "Live: changes appear by themselves.";
    };
    source.onerror = () => {
      state.textContent = "Not live at the moment: trying again.";
      if (source.readyState !== EventSource.CLOSED) return;
      // The browser has given up for good: refused, or cut off before an answer.
      timer = setTimeout(goOn, pause);
      pause = Math.min(2 * pause, 30000);
    };
  };
  document.addEventListener("visibilitychange", () => {
    if (document.hidden) return close();
    look();
    open();
  });
  open();
})();
`;
