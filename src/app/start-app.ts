import { setTimeout as delay } from "node:timers/promises";
import { type Closers, createClosers } from "../closers.ts";
import type { Config } from "../config/load-config.ts";
import { createRateLimiter } from "../domain/access/rate-limiter.ts";
import { createAdmit } from "../domain/record/admit.ts";
import { connectHandler } from "../rpc/connect/connect-handler.ts";
import { createHealthStatus } from "../rpc/grpc/health-status.ts";
import { listenGrpc } from "../rpc/grpc/listen-grpc.ts";
import { createJsonCalls } from "../rpc/json/create-json-calls.ts";
import { createJsonWatch } from "../rpc/json/create-json-watch.ts";
import { createProcedures } from "../rpc/procedures.ts";
import { createOpenCalls } from "../rpc/streams/open-calls.ts";
import { createOpaqueTokens } from "../storage/seal/opaque-tokens.ts";
import { measuredStorage } from "../telemetry/measured-storage.ts";
import { startTelemetry } from "../telemetry/start-telemetry.ts";
import { createCertificateNames } from "../tls/certificate-names.ts";
import { openCertificates } from "../tls/certificate-store.ts";
import { createPublicApp } from "../web/browser/public-app.ts";
import { createClientAddress, createForwardedAddress } from "../web/client-address.ts";
import { createInternalApp } from "../web/internal/internal-app.ts";
import { listen } from "../web/listen.ts";
import { every, type Schedule } from "../work/every.ts";
import { orAfter } from "../work/or-after.ts";
import type { Log, World } from "../world.ts";
import { configuredPlatforms } from "./configured-platforms.ts";
import { openConsole } from "./console-pages.ts";
import { drainListeners } from "./drain-listeners.ts";
import { checkDatabase, readHealth } from "./health.ts";
import { createKeyReport } from "./key-report.ts";
import { listening } from "./listening.ts";
import { openCallers } from "./open-callers.ts";
import { openStorage } from "./open-storage.ts";
import { reportRecord } from "./record-report.ts";
import { createRegistrationReport } from "./registration-report.ts";
import { startJobs } from "./start-jobs.ts";
import { type WiredUseCases, wireUseCases } from "./use-cases.ts";

/** So long before their connection is told to go away, clients that watch the health hear that this process ends. */
const noticeMs = 50;

/** How long the start waits for the platforms to confirm that they send their events here; it goes on by itself. */
const webhooksAtStartMs = 3_000;

/** A running service. */
export interface App {
  readonly ports: { readonly public: number; readonly grpc: number; readonly internal: number };
  /** NOT_SERVING first; running calls and refreshes finish within the drain time; then everything is closed. */
  close(): Promise<void>;
}

/**
 * Starts the service. A start that fails closes what it had opened, and throws what an operator can act on; so does one
 * that `signal` ends, with its reason.
 */
export async function startApp(
  config: Config,
  world: World,
  schedule: Schedule = every,
  signal?: AbortSignal,
): Promise<App> {
  const closers = createClosers();
  try {
    return await start(config, world, schedule, closers, signal);
  } catch (error) {
    await closers.close();
    throw error;
  }
}

async function start(
  config: Config,
  world: World,
  schedule: Schedule,
  closers: Closers,
  signal: AbortSignal | undefined,
): Promise<App> {
  const { otlpEndpoint } = config;
  const running = await startTelemetry({ otlpEndpoint, log: world.log });
  closers.add("telemetry", running.close);
  const { telemetry } = running;
  const opened = await openStorage(config, world, closers, signal);
  signal?.throwIfAborted();
  const { keys } = opened;
  const storage = measuredStorage(opened.storage, telemetry);
  const keyReport = await createKeyReport({ usage: storage.keyUsage, ...world });
  const embedded = config.database.kind === "embedded";
  await reportRecord({ embedded, findGap: storage.findProtectionGap, log: world.log });
  const platforms = configuredPlatforms(config, world, telemetry);
  const { credentials } = storage;
  const registrationReport = await createRegistrationReport({ credentials, platforms, ...world });
  const { authenticate, callerNow } = await openCallers({
    authConfig: config.authConfig,
    known: { products: platforms.known, narrowable: config.narrowable },
    redact: config.redact,
    audit: storage.audit,
    know: running.knowCallers,
    world,
    schedule,
    closers,
  });
  const parts = { storage, platforms, telemetry, callerNow };
  const wired = wireUseCases(config, { ...world, log: running.log }, parts);
  const openCalls = createOpenCalls();
  running.watch({
    openStreams: () => openCalls.size,
    statistics: () => storage.statistics.read(world.now()),
    pressing: () => storage.statistics.readPressing(),
    cacheEntries: wired.cacheEntries,
    isChangeFeedAlive: storage.changes.isAlive,
    clockSkewMs: () => world.clock?.read()?.skewMs,
    keyIds: keys.map((key) => key.id),
    platforms: platforms.all.map((platform) => platform.name),
  });
  const health = createHealthStatus();
  let draining = false;
  const readiness = () => (draining ? "draining" : health.current === "SERVING" ? "ok" : "unavailable");
  const certificates = config.tls === undefined ? undefined : await openCertificates(config.tls, world.log);
  startJobs({ storage, wired, openCalls, certificates, world, schedule, closers });
  await witnessAtStart(wired, world.log);

  const graceMs = config.drainSeconds * 1000;
  const sealer = createOpaqueTokens({ keys, random: world.random, purpose: "page" });
  const procedures = createProcedures({ useCases: wired.calls, sealer });
  const limiter = createRateLimiter(world);
  const { note } = wired.notedEvents;
  const doors = { ...world, redact: config.redact, procedures, telemetry, limiter, authenticate, note, openCalls };
  const { inRequest } = telemetry;

  const addressOf = createClientAddress(config.trustedProxies);
  const certificateNamesOf = createCertificateNames();

  const labels = new Map(config.products.map(({ name, label }) => [name, label]));
  const { rateLimits } = storage;
  const calls = createJsonCalls(doors);
  const leaving = new AbortController();
  const publicApp = createPublicApp({
    ...config.public,
    installPageUrl: config.installPageUrl,
    ...world,
    ...wired,
    addressOf,
    rateLimits,
    platforms,
    inRequest,
    readiness,
    startLink: calls.startLink,
    leaving: leaving.signal,
    resultSealer: createOpaqueTokens({ keys, random: world.random, purpose: "result" }),
    findInstallations: storage.installations.findAll,
    admitRevoker:
      config.authConfig === undefined
        ? undefined
        : createAdmit({ method: "RevokeInstallation", authenticate, limiter, note, now: world.now }),
    platformLabel: (product) => labels.get(product),
  });
  let grpcPort: number | undefined;
  const internalApp = createInternalApp({
    ...world,
    inRequest,
    addressOf,
    certificateNamesOf,
    anyHost: config.authConfig !== undefined,
    readMetrics: running.readMetrics,
    admitToMetrics: createAdmit({ method: "Metrics", authenticate, note, now: world.now }),
    connect: connectHandler({
      ...doors,
      log: running.log,
      addressOf,
      certificateNamesOf: (request) => certificateNamesOf(request.socket),
    }),
    calls,
    consolePages: openConsole({
      ...{ config, world, keys, calls, watch: createJsonWatch(doors), authenticate, rateLimits, note, platforms },
      listConcerns: wired.listConcerns,
      grpcPort: () => grpcPort,
    }),
    readHealth: () =>
      readHealth(storage, world.clock, keyReport, async () => ({
        configured: platforms.all.map((platform) => platform.name),
        not_configured: config.notConfigured,
        other_registration: await registrationReport.read(),
      })),
  });
  const publicListener = await listening("PORT", config.public, listen(publicApp, config.public));
  closers.add("public listener", () => publicListener.close(graceMs));
  const internalListener = await listening(
    "INTERNAL_PORT",
    config.internal,
    listen(internalApp, { ...config.internal, certificates }),
  );
  closers.add("internal listener", () => internalListener.close(graceMs));
  const grpcListener = await listening(
    "GRPC_PORT",
    config.grpc,
    listenGrpc({
      ...doors,
      ...config.grpc,
      health,
      certificates,
      addressOf: createForwardedAddress(config.trustedProxies),
    }),
  );
  grpcPort = grpcListener.port;
  closers.add("gRPC listener", () => grpcListener.close(graceMs));
  closers.add("listeners", () => drainListeners(publicListener, [internalListener, grpcListener], graceMs));
  // Their clients go on at another replica while calls that are answered once finish here.
  closers.add("streams", () => openCalls.end());
  closers.add("watched flows", () => leaving.abort());
  closers.add("health", async () => {
    draining = true;
    health.set("NOT_SERVING");
    await delay(noticeMs);
  });

  await storage.ping();
  health.set("SERVING");
  const watch = schedule(1000, "check database", () => checkDatabase(storage, health, world.log), world.log);
  // Ends before NOT_SERVING is set: a process that drains stays so.
  closers.add("check database", watch.close);
  const ports = { public: publicListener.port, grpc: grpcListener.port, internal: internalListener.port };
  world.log.info(
    { ports, platforms: platforms.all.map((platform) => platform.name), notConfigured: config.notConfigured },
    "service.started",
  );
  // It serves by now: this is for who wants to know what was found at start.
  await orAfter(webhooksAtStartMs, wired.webhooks.begin(), () => undefined);
  return { ports, close: closers.close };
}

/** What earlier processes wrote is vouched for by this one, too, before it hands out anything. */
async function witnessAtStart({ keepRecord }: WiredUseCases, log: Log): Promise<void> {
  try {
    await keepRecord.witness();
  } catch (error) {
    log.warn({ error: error instanceof Error ? error.name : "unknown" }, "audit.not_witnessed");
  }
}
