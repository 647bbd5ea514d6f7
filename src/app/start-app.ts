import { type Closers, createClosers } from "../closers.ts";
import type { Config } from "../config/load-config.ts";
import { every } from "../periodic.ts";
import { connectHandler } from "../rpc/connect/connect-handler.ts";
import { createHealthStatus, type HealthStatus } from "../rpc/grpc/health-status.ts";
import { listenGrpc } from "../rpc/grpc/listen-grpc.ts";
import { createJsonCalls } from "../rpc/json/create-json-calls.ts";
import { createProcedures } from "../rpc/procedures.ts";
import { createOpaqueTokens } from "../storage/seal/opaque-tokens.ts";
import type { Storage } from "../storage/storage.ts";
import { createInternalApp } from "../web/internal-app.ts";
import { listen } from "../web/listen.ts";
import { createPublicApp } from "../web/public-app.ts";
import type { Log, World } from "../world.ts";
import { configuredPlatforms } from "./configured-platforms.ts";
import { openStorage } from "./open-storage.ts";
import { type WiredUseCases, wireUseCases } from "./use-cases.ts";

/** A running service. */
export interface App {
  readonly ports: { readonly public: number; readonly grpc: number; readonly internal: number };
  /** NOT_SERVING first; running calls and refreshes finish within the drain time; then everything is closed. */
  close(): Promise<void>;
}

/** Starts the service. A start that fails closes what it had opened, and throws what an operator can act on. */
export async function startApp(config: Config, world: World): Promise<App> {
  const closers = createClosers();
  try {
    return await start(config, world, closers);
  } catch (error) {
    await closers.close();
    throw error;
  }
}

async function start(config: Config, world: World, closers: Closers): Promise<App> {
  const { storage, keys } = await openStorage(config, world, closers);
  const platforms = configuredPlatforms(config, world);
  const wired = wireUseCases(config, world, storage, platforms);
  const health = createHealthStatus();
  startJobs({ storage, wired, world, closers });

  const graceMs = config.drainSeconds * 1000;
  const sealer = createOpaqueTokens({ keys, random: world.random, purpose: "page" });
  const procedures = createProcedures({ useCases: wired.calls, sealer });
  const doors = { ...world, procedures };

  const publicApp = createPublicApp({ ...config.public, ...world, ...wired });
  const internalApp = createInternalApp({
    ...world,
    connect: connectHandler(doors),
    calls: createJsonCalls(doors),
    readHealth: () =>
      readHealth(
        storage,
        keys.map((key) => key.id),
        { configured: platforms.all.map((platform) => platform.name), not_configured: config.notConfigured },
      ),
  });
  const publicListener = await listen(publicApp, config.public);
  closers.add("public listener", () => publicListener.close(graceMs));
  const internalListener = await listen(internalApp, config.internal);
  closers.add("internal listener", () => internalListener.close(graceMs));
  const grpcListener = await listenGrpc({ ...doors, ...config.grpc, health });
  closers.add("gRPC listener", () => grpcListener.close(graceMs));
  closers.add("health", () => health.set("NOT_SERVING"));

  await storage.ping();
  health.set("SERVING");
  const watch = every(1000, "check database", () => checkDatabase(storage, health, world.log), world.log);
  // Ends before NOT_SERVING is set: a process that drains stays so.
  closers.add("check database", watch.close);
  const ports = { public: publicListener.port, grpc: grpcListener.port, internal: internalListener.port };
  world.log.info(
    { ports, platforms: platforms.all.map((platform) => platform.name), notConfigured: config.notConfigured },
    "service.started",
  );
  world.log.warn({ advice: "only reachable from this host; anyone on it gets tokens" }, "callers.not_authenticated");
  return { ports, close: closers.close };
}

/** What runs beside the calls. Added before the listeners, so that it stops after them. */
function startJobs(parts: {
  readonly storage: Storage;
  readonly wired: WiredUseCases;
  readonly world: World;
  readonly closers: Closers;
}): void {
  const { storage, wired, world, closers } = parts;
  const job = (seconds: number, name: string, work: () => Promise<void>) => {
    const running = every(seconds * 1000, name, work, world.log);
    closers.add(name, running.close);
  };
  closers.add("last counts", () => wired.handOut.flush());
  closers.add("refreshes", () => wired.refresher.idle());
  job(1, "flush counts", () => wired.handOut.flush());
  job(5, "refresh what is due", () => wired.keepFresh.refreshDue());
  job(24 * 3600, "warn of endings", () => wired.keepFresh.warnOfEndings());
  job(30, "finish revocations", () => wired.revoker.finishInterrupted());
  job(600, "forget attempts", () => storage.attempts.prune(new Date(world.now().getTime() - 24 * 3_600_000)));
}

async function checkDatabase(storage: Storage, health: HealthStatus, log: Log): Promise<void> {
  const before = health.current;
  const now = await storage.ping().then(
    () => "SERVING" as const,
    () => "NOT_SERVING" as const,
  );
  if (now === before) return;
  health.set(now);
  log.warn({ status: now }, "health.changed");
}

async function readHealth(storage: Storage, keys: readonly string[], platforms: Readonly<Record<string, unknown>>) {
  const database = await storage.ping().then(
    () => "ok",
    () => "unreachable",
  );
  return { ok: database === "ok", parts: { database, keys, platforms } };
}
