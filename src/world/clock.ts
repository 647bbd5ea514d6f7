import type { Log, ServiceClock } from "../world.ts";

/** Beyond this, this machine's clock is said to be wrong: ordinary time services keep clocks well below it. */
const noticedSkewMs = 5_000;
/** So far apart the machine's clock and its count of time must go before somebody set the clock, or it stood still. */
const stepMs = 1_000;

/**
 * Time that does not jump: what `follow`ed is asked now and then, and between that the count of time since this machine
 * started goes on, which nobody sets. Until there is something to follow it begins with the machine's own clock.
 */
export function createClock(
  machineMs: () => number = Date.now,
  countMs: () => number = () => performance.now(),
): ServiceClock & { readonly now: () => Date } {
  const apartMs = () => machineMs() - countMs();
  /** What is added to the count. */
  let offsetMs = apartMs();
  let apartWhenMeasured = offsetMs;
  let following: { readonly readMs: () => Promise<number>; readonly log: Log } | undefined;
  let measured = false;
  let measuring: Promise<void> | undefined;
  let toldSkewMs = 0;
  const skewMs = () => Math.round(apartMs() - offsetMs);

  async function measureOnce(): Promise<void> {
    if (following === undefined) return;
    const { readMs, log } = following;
    const askedMs = countMs();
    const answer = await readMs();
    const answeredMs = countMs();
    // It was said between asking and hearing it: an offset that fits both is kept, so that slow answers move nothing.
    const least = answer - answeredMs;
    const most = answer - askedMs;
    const before = offsetMs;
    offsetMs = !measured ? (least + most) / 2 : Math.min(Math.max(before, least), most);
    const machineSteppedMs = apartMs() - apartWhenMeasured;
    apartWhenMeasured = apartMs();
    const first = !measured;
    measured = true;
    if (!first) tellSteps(log, offsetMs - before, machineSteppedMs);
    tellSkew(log, skewMs());
  }

  function tellSteps(log: Log, movedMs: number, machineSteppedMs: number): void {
    const machine = Math.abs(machineSteppedMs) >= stepMs;
    const moved = Math.abs(movedMs) >= stepMs;
    if (!machine && !moved) return;
    const advice = machine
      ? "this machine's clock was set, or it stood still; the database's time counts"
      : "the database's clock was set, or another server answers for it: look at the time services of both";
    const fields = { movedMs: Math.round(movedMs), machineSteppedMs: Math.round(machineSteppedMs), advice };
    log.warn(fields, "clock.stepped");
  }

  /** Once when it begins, when it changes by as much again, and when it ends. */
  function tellSkew(log: Log, skewMs: number): void {
    const skewed = isSkewed(skewMs);
    if (skewed && isSkewed(skewMs - toldSkewMs)) {
      const advice =
        "this machine's clock differs from the database's, which counts: look at the time services of both";
      log.warn({ skewMs, advice }, "clock.skewed");
      toldSkewMs = skewMs;
    } else if (!skewed && toldSkewMs !== 0) {
      log.info({ skewMs }, "clock.agrees");
      toldSkewMs = 0;
    }
  }

  function measure(): Promise<void> {
    measuring ??= measureOnce().finally(() => {
      measuring = undefined;
    });
    return measuring;
  }

  return {
    now: () => new Date(countMs() + offsetMs),
    machineNow: () => new Date(machineMs()),
    isSteady: () => Math.abs(apartMs() - apartWhenMeasured) < stepMs,
    measure,
    async follow(readMs, log) {
      following = { readMs, log };
      await measure();
    },
    read: () => (measured ? { skewMs: skewMs(), skewed: isSkewed(skewMs()) } : undefined),
  };
}

function isSkewed(ms: number): boolean {
  return Math.abs(ms) >= noticedSkewMs;
}
