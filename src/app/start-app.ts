import { setTimeout as delay } from "node:timers/promises";
import { type Closers, createClosers } from "../closers.ts";
import type { Config } from "../config/load-config.ts";
import { createRateLimiter } from "../domain/access/rate-limiter.ts";
import { unusedMs } from "../domain/links/link-account.ts";
import { createAdmit } from "../domain/record/admit.ts";
import { connectHandler } from "../rpc/connect/connect-handler.ts";
import { createHealthStatus } from "../rpc/grpc/health-status.ts";
import { listenGrpc } from "../rpc/grpc/listen-grpc.ts";
import { createJsonCalls } from "../rpc/json/create-json-calls.ts";
import { createJsonWatch } from "../rpc/json/create-json-watch.ts";
import { createProcedures } from "../rpc/procedures.ts";
import { createOpenCalls, type OpenCalls } from "../rpc/streams/open-calls.ts";
import { createOpaqueTokens } from "../storage/seal/opaque-tokens.ts";
import type { Storage } from "../storage/storage.ts";
import { measuredStorage } from "../telemetry/measured-storage.ts";
import { startTelemetry } from "../telemetry/start-telemetry.ts";
import { createCertificateNames } from "../tls/certificate-names.ts";
import { type CertificateStore, openCertificates } from "../tls/certificate-store.ts";
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
import { type WiredUseCases, wireUseCases } from "./use-cases.ts";

/** So long before their connection is told to go away, clients that watch the health hear that this process ends. */
const noticeMs = 50;

/** How long the start waits for the platforms to confirm that they send their events here; it goes on by itself. */
const webhooksAtStartMs = 3_000;
/** So long a delivery is known again. */
const deliveryDays = 7;
const dayMs = 24 * 3_600_000;

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

/** What runs beside the calls. Added before the listeners, so that it stops after them. */
function startJobs(parts: {
  readonly storage: Storage;
  readonly wired: WiredUseCases;
  readonly openCalls: OpenCalls;
  readonly certificates: CertificateStore | undefined;
  readonly world: World;
  readonly schedule: Schedule;
  readonly closers: Closers;
}): void {
  const { storage, wired, openCalls, certificates, world, schedule, closers } = parts;
  const job = (seconds: number, name: string, work: () => Promise<void>) => {
    const running = schedule(seconds * 1000, name, work, world.log);
    closers.add(name, running.close);
  };
  const flush = async (all = false) => {
    wired.refusedCallbacks.flush(all);
    // Both are tried; a failure of one is told once the other has ended.
    const ended = await Promise.allSettled([wired.handOut.flush(all), wired.notedEvents.flush()]);
    for (const one of ended) if (one.status === "rejected") throw one.reason;
  };
  closers.add("last counts", () => flush(true));
  closers.add("refreshes", () => wired.refresher.idle());
  closers.add("webhooks", () => wired.webhooks.idle());
  closers.add("questions", () => wired.asking.idle());
  const { clock } = world;
  if (clock !== undefined) {
    // A machine that wakes is seen at once, by calls or here; what nothing on it shows, after five seconds.
    job(1, "notice clock steps", async () => (clock.isSteady() ? undefined : clock.measure()));
    job(5, "ask the database for the time", clock.measure);
  }
  job(1, "check streams", () => openCalls.check());
  job(1, "flush counts", () => flush());
  job(5, "refresh what is due", () => wired.keepFresh.refreshDue());
  job(2, "work off deliveries", () => wired.deliveryWorker.takeDue());
  job(1, "forward changes", () => wired.forwardChanges());
  job(2, "forward events", () => wired.forwarder.sendDue());
  job(2, "send alerts", () => wired.alerter.sendDue());
  // Before their jobs are waited for, which would go on as long as anything is due.
  closers.add("alerts", () => wired.alerter.close());
  closers.add("forwarding", () => wired.forwarder.close());
  closers.add("deliveries", () => wired.deliveryWorker.close());
  // As with the record: a clock that jumped takes nothing away that nobody can get back.
  const onceSure = (prune: (atMs: number) => Promise<void>) => async () => {
    const at = await wired.keepRecord.timeToPrune();
    if (at !== undefined) await prune(at.getTime());
  };
  const forgetDeliveries = onceSure(() => storage.deliveries.prune(deliveryDays * dayMs));
  job(600, "forget deliveries", forgetDeliveries);
  job(30, "watch the health", () => wired.healthWatch.round());
  job(30, "finish revocations", () => wired.revoker.finishInterrupted());
  // Not by the hour: a process that lives for less would never do it.
  job(600, "prune the record", () => wired.keepRecord.prune());
  job(3600, "witness the record", () => wired.keepRecord.witness());
  if (certificates !== undefined) job(2, "reload certificates", certificates.reload);
  job(60, "keep the database up", () => storage.keepUp());
  job(60, "keep webhooks", () => wired.webhooks.keep());
  job(600, "forget changes", async () => void (await storage.installationChanges.forget()));
  job(600, "forget rates", () => storage.rateLimits.prune());
  job(1, "ask what platforms told", () => wired.asking.askDue());
  job(60, "ask what nobody told", () => wired.asking.openRoutine());
  job(10, "expire pending", () => wired.undoer.expirePending());
  // Each by itself: what goes wrong with one table is no reason for the rows of the others to stay.
  const { attempts, flows, links, linkCodes, linkAccounts } = storage;
  for (const [name, ended] of Object.entries({ attempts, flows, links, "link codes": linkCodes })) {
    job(600, `forget ${name}`, () => ended.prune(new Date(world.now().getTime() - dayMs)));
  }
  const forgetAccounts = onceSure((atMs) => linkAccounts.prune(new Date(atMs - unusedMs), new Date(atMs - dayMs)));
  job(600, "forget link accounts", forgetAccounts);
}

/** What earlier processes wrote is vouched for by this one, too, before it hands out anything. */
async function witnessAtStart({ keepRecord }: WiredUseCases, log: Log): Promise<void> {
  try {
    await keepRecord.witness();
  } catch (error) {
    log.warn({ error: error instanceof Error ? error.name : "unknown" }, "audit.not_witnessed");
  }
}
