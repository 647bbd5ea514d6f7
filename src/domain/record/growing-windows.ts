import { boundedCache } from "../../work/bounded-cache.ts";
import type { AuditEvent } from "../model/audit-event.ts";

/** The first window of what is counted; each further one is three times as long, up to the longest. */
const firstWindowMs = 1_000;
const windowGrowth = 3;
const longestWindowMs = 300_000;
/** After so long without an event the next window is a first one again. */
const forgottenAfterMs = 3_600_000;
/** What is counted at once, and what is known of earlier windows. More than this is taken before its window ends. */
const maxWindows = 100_000;
/** Windows are taken as often as this. */
const roundMs = 1_000;

/** Equal events that become one row. Who holds an open one may count on in it. */
export interface Window {
  readonly key: string;
  /** The first of them: the row has its time and request id. */
  first: AuditEvent;
  count: number;
  /** When the last of them was. */
  lastAt: Date;
  /** False once it was taken: what comes then belongs to the next one. */
  isOpen: boolean;
  readonly openedAtMs: number;
  endsAtMs: number;
}

/** Counts equal events in windows that grow while they come, so that a day of them has few rows. */
export interface GrowingWindows {
  /** The open window of this key, with this event counted; `first` makes the event that a window begins with. */
  count(key: string, first: () => AuditEvent): Window;
  /** Takes out the windows that have ended, or all; the earliest in front. */
  take(all: boolean): readonly Window[];
  /** Goes on with windows whose rows could not be written. */
  putBack(windows: readonly Window[]): void;
}

export function createGrowingWindows({ now }: { readonly now: () => Date }, most = maxWindows): GrowingWindows {
  const open = new Map<string, Window>();
  const last = boundedCache<{ readonly lengthMs: number; readonly endsAtMs: number }>(most);

  function begin(key: string, first: AuditEvent): Window {
    const lastAt = now();
    const openedAtMs = lastAt.getTime();
    const before = last.get(key);
    const lengthMs =
      before === undefined || openedAtMs - before.endsAtMs >= forgottenAfterMs
        ? firstWindowMs
        : Math.min(before.lengthMs * windowGrowth, longestWindowMs);
    const endsAtMs = openedAtMs + lengthMs;
    last.set(key, { lengthMs, endsAtMs });
    const window = { key, first, count: 0, lastAt, isOpen: true, openedAtMs, endsAtMs };
    open.set(key, window);
    return window;
  }

  /** One that would be over by the next round is, and so is one that was begun before the clock was set back. */
  function hasEnded({ openedAtMs, endsAtMs }: Window, nowMs: number): boolean {
    return nowMs >= endsAtMs - roundMs || nowMs < openedAtMs;
  }

  return {
    count(key, first) {
      const window = open.get(key) ?? begin(key, first());
      window.count++;
      window.lastAt = now();
      return window;
    },
    take(all) {
      const nowMs = now().getTime();
      const taken: Window[] = [];
      for (const window of open.values()) {
        if (!all && open.size <= most && !hasEnded(window, nowMs)) continue;
        open.delete(window.key);
        window.isOpen = false;
        taken.push(window);
      }
      return taken;
    },
    putBack(windows) {
      for (const older of windows) {
        const newer = open.get(older.key);
        if (newer === undefined) {
          older.isOpen = true;
          open.set(older.key, older);
          continue;
        }
        newer.first = older.first;
        newer.count += older.count;
        newer.endsAtMs = older.endsAtMs;
      }
    },
  };
}
