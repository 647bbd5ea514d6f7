import { ServiceError } from "../errors.ts";

interface Turn<Item> {
  readonly items: readonly Item[];
  readonly done: () => void;
  readonly failed: (error: unknown) => void;
}

/**
 * Lets one write run at a time. What arrives meanwhile shares the next one. Where that fails for what is in it, and not
 * for want of the database, each part is tried alone: nobody's mistake keeps others from being written. Writes begin
 * `apartMs` apart: what comes alone is written at once, and a steady stream shares more of them.
 */
export function inTurn<Item>(
  write: (items: readonly Item[]) => Promise<void>,
  apartMs = 0,
): (items: readonly Item[]) => Promise<void> {
  let waiting: Turn<Item>[] = [];
  let running = false;

  async function settle(turns: readonly Turn<Item>[]): Promise<void> {
    try {
      await write(turns.flatMap(({ items }) => items));
      for (const { done } of turns) done();
    } catch (error) {
      const away = error instanceof ServiceError && error.reason === "SERVICE_UNAVAILABLE";
      if (away || turns.length === 1) for (const { failed } of turns) failed(error);
      else for (const turn of turns) await settle([turn]);
    }
  }

  async function run(): Promise<void> {
    running = true;
    while (waiting.length > 0) {
      const turns = waiting;
      waiting = [];
      const beganMs = performance.now();
      await settle(turns);
      const restMs = beganMs + apartMs - performance.now();
      if (restMs > 0) await new Promise((over) => setTimeout(over, restMs));
    }
    running = false;
  }

  return (items) =>
    new Promise((done, failed) => {
      waiting.push({ items, done, failed });
      if (!running) void run();
    });
}
