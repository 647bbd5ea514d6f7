import type { Closers } from "../closers.ts";
import { unusedMs } from "../domain/links/link-account.ts";
import type { OpenCalls } from "../rpc/streams/open-calls.ts";
import type { Storage } from "../storage/storage.ts";
import type { CertificateStore } from "../tls/certificate-store.ts";
import type { Schedule } from "../work/every.ts";
import type { World } from "../world.ts";
import type { WiredUseCases } from "./use-cases.ts";

/** So long a delivery is known again. */
const deliveryDays = 7;
const dayMs = 24 * 3_600_000;

/** What runs beside the calls. Added before the listeners, so that it stops after them. */
export function startJobs(parts: {
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
