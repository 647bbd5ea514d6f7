import { randomBytes } from "node:crypto";
import { readFileSync } from "node:fs";
import process from "node:process";
import { inspect } from "node:util";
import { setFlagsFromString } from "node:v8";
import { startApp } from "./app/start-app.ts";
import { loadConfig } from "./config/load-config.ts";
import { ConfigError } from "./settings/config-error.ts";
import { every } from "./work/every.ts";
import { createClock } from "./world/clock.ts";
import { createLogger, type Logger } from "./world/logger.ts";
import { createPlatformFetch } from "./world/platform-fetch.ts";
import { sourceNames } from "./world/stack-traces.ts";
import type { World } from "./world.ts";

/** How long the last lines may wait for who reads them. */
const farewellMs = 1_000;

// Otherwise V8 may decide, from how much lives on while the service warms up, that parts of every call are born old (ADR 34).
setFlagsFromString("--no-allocation-site-pretenuring");

const inSources = sourceNames(import.meta.url);
await run().catch((bug: unknown) => {
  process.stderr.write(`${inSources(inspect(bug))}\n`);
  process.exit(1);
});

/** The process: environment in, signals handled, exit code out. */
async function run(): Promise<void> {
  const { config, warnings } = readConfig();
  const log = createLogger(config.log.level, (line) => config.redact(inSources(line)));
  for (const warning of warnings) log.warn({ warning }, "setting.warning");
  const { httpsProxy, noProxy } = config.proxy;
  const isOwnHost = (host: string) => config.ownHosts.has(host);
  const platformFetch = createPlatformFetch({ httpsProxy: httpsProxy?.reveal(), noProxy, isOwnHost });
  const clock = createClock();
  const world: World = {
    now: clock.now,
    clock,
    random: (bytes) => randomBytes(bytes),
    fetch: platformFetch.fetch,
    fetchNamed: platformFetch.fetchNamed,
    log,
  };

  const ending = new AbortController();
  const starting = startApp(config, world, every, ending.signal);
  const stop = createStop(log, async () => {
    ending.abort();
    const app = await starting.catch(() => undefined);
    await app?.close();
    await platformFetch.close();
  });
  // From the beginning: a process that is told to end while it starts ends in order as well.
  process.on("SIGTERM", () => stop("SIGTERM", 0));
  process.on("SIGINT", () => stop("SIGINT", 0));
  try {
    await starting;
  } catch (error) {
    if (ending.signal.aborted) return;
    log.error({ message: error instanceof Error ? error.message : "unknown" }, "service.start_failed");
    await platformFetch.close();
    return endWith(1, log);
  }
  process.on("uncaughtException", (error) => {
    log.error({ name: error.name, stack: framesOf(error) }, "service.bug");
    stop("uncaughtException", 1);
  });
}

function readConfig(): ReturnType<typeof loadConfig> {
  try {
    return loadConfig(process.env, (path) => readFileSync(path, "utf8"));
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    process.stderr.write(`${error.message}\n`);
    process.exit(1);
  }
}

/** Drains once; a second signal does not wait for it. */
function createStop(log: Logger, close: () => Promise<void>): (cause: string, code: number) => void {
  let stopping = false;
  return (cause, code) => {
    if (stopping) process.exit(code === 0 ? 130 : code);
    stopping = true;
    log.info({ cause }, "service.stopping");
    close().then(
      () => {
        log.info({ cause }, "service.stopped");
        return endWith(code, log);
      },
      (error: unknown) => {
        log.error({ message: error instanceof Error ? error.message : "unknown" }, "service.stop_failed");
        return endWith(1, log);
      },
    );
  };
}

/** By hand: lines that nobody reads would keep the process from ending by itself. */
async function endWith(code: number, log: Logger): Promise<never> {
  await log.flush(farewellMs);
  process.exit(code);
}

/** Where it happened, without the message: that may hold values. */
function framesOf(error: Error): readonly string[] {
  return (error.stack ?? "").split("\n").filter((line) => line.trimStart().startsWith("at "));
}
