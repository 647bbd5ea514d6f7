import { randomBytes } from "node:crypto";
import { readFileSync } from "node:fs";
import { freePort } from "../../rig/free-port.ts";
import { createTestWorld } from "../../rig/world.ts";
import { startApp } from "../../src/app/start-app.ts";
import type { Closers } from "../../src/closers.ts";
import { loadConfig } from "../../src/config/load-config.ts";
import type { Schedule } from "../../src/work/every.ts";
import { createClock } from "../../src/world/clock.ts";
import { encryptionKey } from "../encryption-key.ts";
import { filledBaseUrl } from "./fill.ts";

/** The service in this process, whose jobs run when they are asked for and not by themselves. */
export interface HeldService {
  /** Everything that would run again and again, by its name in the log. */
  readonly jobs: ReadonlyMap<string, () => Promise<void>>;
  /** What was warned of. */
  readonly warnings: () => readonly string[];
  /** Of the internal listener. */
  readonly url: string;
}

export async function startHeld(
  database: string,
  platforms: Readonly<Record<string, string>>,
  closers: Closers,
): Promise<HeldService> {
  const port = await freePort();
  const env = {
    ...platforms,
    ...{ DATABASE_URL: database, TOKEN_ENCRYPTION_KEY: encryptionKey.reveal() },
    ...{
      BASE_URL: filledBaseUrl,
      PORT: String(port),
      INTERNAL_PORT: "0",
      GRPC_PORT: "0",
      DRAIN_SECONDS: "1",
    },
  };
  const { config } = loadConfig(env, (path) => readFileSync(path, "utf8"));
  const clock = createClock();
  const { lines, ...world } = createTestWorld(clock.now);
  const jobs = new Map<string, () => Promise<void>>();
  const hold: Schedule = (_intervalMs, name, job) => {
    jobs.set(name, job);
    return { close: async () => undefined };
  };
  const app = await startApp(config, { ...world, clock, random: (bytes) => randomBytes(bytes) }, hold);
  closers.add("held service", app.close);
  return {
    jobs,
    warnings: () => lines.filter((line) => /"level":"(warn|error)"/.test(line)),
    url: `http://127.0.0.1:${app.ports.internal}`,
  };
}
