import process from "node:process";

/**
 * Loaded into a process before anything else (`node --import`): its wall clock is `CLOCK_AHEAD_MS` ahead, and each
 * SIGUSR2 sets it `CLOCK_STEP_MS` further. As on a real machine, what counts time (timers, `performance.now`) goes on.
 */
const trueNow = Date.now.bind(Date);
let aheadMs = Number(process.env.CLOCK_AHEAD_MS);
const stepMs = Number(process.env.CLOCK_STEP_MS ?? 0);
const now = () => trueNow() + aheadMs;

globalThis.Date = new Proxy(Date, {
  construct: (target, args, newTarget) => Reflect.construct(target, args.length === 0 ? [now()] : args, newTarget),
  get: (target, key, receiver) => (key === "now" ? now : Reflect.get(target, key, receiver)),
});
delete process.env.CLOCK_AHEAD_MS;
delete process.env.CLOCK_STEP_MS;
process.on("SIGUSR2", () => {
  aheadMs += stepMs;
});
