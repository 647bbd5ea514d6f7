const width = 600;
const height = 760;
/** Often, until the popup has left its first page: what is missed there cannot be told apart any more. */
const firstLooksMs = 10;
const looksMs = 250;
/**
 * A browser that cuts a popup off shows it at another site for a moment before it says `closed`: for less than this, and
 * than so many looks, each as long as the longest in that time.
 */
const cutMs = 150;
const looksOfCut = 4;
/** A person who has closed a window is back at once. */
const backMs = 2_000;
/** A browser that is just about to show a popup another page can lose that it was to close. */
const closeAgainMs = [250, 1_000];

/** Opens the popup, in the middle of the window it belongs to; undefined where the browser does not let it. */
export function openPopup(address: URL): Window | undefined {
  const left = Math.max(0, Math.round(screenX + (outerWidth - width) / 2));
  const top = Math.max(0, Math.round(screenY + (outerHeight - height) / 2));
  // A name would hand a second try, or another tab, the window of the first.
  const popup = open(address, "_blank", `popup,width=${width},height=${height},left=${left},top=${top}`);
  return popup === null || popup.closed ? undefined : popup;
}

/** Closes it, whatever it is doing. */
export function closePopup(popup: Window): void {
  popup.close();
  for (const later of closeAgainMs) setTimeout(() => popup.close(), later);
}

/**
 * Calls back once the person has closed the popup. A platform that isolates its pages (COOP), and one that its sign-in
 * leads to, make `closed` true of a window that is open: then the person is in there, and not back at this page.
 */
export function whenClosed(popup: Window, closed: () => void, signal: AbortSignal): void {
  let lookedAt = Date.now();
  let longestLookMs = 0;
  let leftAt = Number.POSITIVE_INFINITY;
  let hasLeft = false;
  const look = () => {
    if (signal.aborted) return;
    const now = Date.now();
    if (!hasLeft && leftAt < now) {
      longestLookMs = Math.max(longestLookMs, Math.min(now - lookedAt, looksMs));
      hasLeft = now - leftAt > Math.max(cutMs, looksOfCut * longestLookMs);
    }
    if (popup.closed) {
      whenBack(hasLeft, closed, signal);
      return;
    }
    if (!isAtFirstPage(popup)) leftAt = Math.min(leftAt, now);
    lookedAt = now;
    setTimeout(look, hasLeft ? looksMs : firstLooksMs);
  };
  look();
}

/** Of a popup that has shown no page yet it takes a person's coming back to tell that it was closed. */
function whenBack(hasLeft: boolean, closed: () => void, signal: AbortSignal): void {
  if (hasLeft && document.hasFocus()) {
    closed();
    return;
  }
  const back = new AbortController();
  const end = () => back.abort();
  addEventListener(
    "focus",
    () => {
      end();
      closed();
    },
    { signal: back.signal },
  );
  signal.addEventListener("abort", end);
  if (!hasLeft) setTimeout(end, backMs);
}

/** Another site's page cannot be asked. */
function isAtFirstPage(popup: Window): boolean {
  try {
    return popup.location.href === "about:blank";
  } catch {
    return false;
  }
}
