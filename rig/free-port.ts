import { randomInt } from "node:crypto";
import { createServer } from "node:net";

/**
 * A port nobody listens on at the moment. Not one the system hands out for outgoing connections (from 32768 on), which
 * might take it before its user binds it.
 */
export function freePort(): Promise<number> {
  return freePorts(1);
}

/** That many free ports in a row; gives the first. */
export async function freePorts(count: number): Promise<number> {
  for (let tries = 0; tries < 100; tries++) {
    const first = randomInt(12_000, 32_000 - count);
    const free = await Promise.all(Array.from({ length: count }, (_, offset) => isFree(first + offset)));
    if (free.every(Boolean)) return first;
  }
  throw new Error("no free ports were found");
}

/** Whether nobody listens on it on this machine. */
export function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once("error", () => resolve(false));
    server.listen(port, "127.0.0.1", () => server.close(() => resolve(true)));
  });
}
