import { Failure } from "../failure.ts";
import type { Output } from "../output.ts";
import type { CliWorld } from "../world.ts";
import { type Polled, pollLink, type StartedLink } from "./link-codes.ts";
import type { TokenPayload } from "./token-payload.ts";

/**
 * Asks until the person has decided. A service that cannot be reached meanwhile is asked again until the code has ended.
 * What arrives after Ctrl-C is given all the same: nobody else knows of it.
 * @throws Failure `ACCESS_DENIED`, `EXPIRED` and what else ends a link; Interrupted.
 */
export async function awaitLink(
  world: CliWorld,
  output: Output,
  service: string,
  link: StartedLink,
): Promise<TokenPayload> {
  const unhurried = { ...world, interrupt: aSecondAfter(world.interrupt) };
  const end = world.monotonic() + link.lifetimeMs;
  let intervalMs = link.intervalMs;
  let trouble: string | undefined;
  for (;;) {
    world.interrupt.throwIfAborted();
    const left = end - world.monotonic();
    output.progress(`Waiting for the approval, ${clock(left)} left (Ctrl-C stops) `);
    const polled = await poll(unhurried, service, link);
    const before = trouble;
    trouble = undefined;
    let wait = intervalMs;
    switch (polled.kind) {
      case "connected":
        return polled.payload;
      case "pending":
        break;
      case "slow_down":
        // Who was too fast once stays slower, as RFC 8628 has it.
        intervalMs = Math.min(intervalMs + link.intervalMs, 60_000);
        wait = Math.max(intervalMs, polled.retryAfterMs);
        break;
      case "denied":
        throw new Failure("denied", "ACCESS_DENIED", "the sign-in was denied: nothing was connected");
      case "gone":
        if (before === undefined && !polled.isDelivered) throw expired();
        throw new Failure(
          "failed",
          "ANSWER_LOST",
          `the link code has ended, and its token may have been lost on the way from ${service}: sign in again`,
        );
      case "unknown":
        throw new Failure("failed", "LINK_UNKNOWN", `${service} does not know the link code any more: sign in again`);
      case "trouble":
        trouble = polled.message;
        if (before === undefined) output.note(`${trouble}. Still waiting`);
        break;
    }
    if (before !== undefined && trouble === undefined) output.note(`${service} answers again`);
    if (world.monotonic() >= end)
      throw trouble === undefined ? expired() : new Failure("unreachable", "SERVICE_UNREACHABLE", trouble);
    await world.sleep(Math.min(wait, Math.max(end - world.monotonic(), 0)));
  }
}

type Waiting = Exclude<Polled, { kind: "trouble" }> | { readonly kind: "trouble"; readonly message: string };

async function poll(world: CliWorld, service: string, link: StartedLink): Promise<Waiting> {
  try {
    const polled = await pollLink(world, service, link);
    if (polled.kind !== "trouble") return polled;
    return { kind: "trouble", message: `${service} has trouble (${polled.status})` };
  } catch (error) {
    if (error instanceof Failure && error.reason === "SERVICE_UNREACHABLE") {
      return { kind: "trouble", message: error.message };
    }
    throw error;
  }
}

/** An answer that is on its way may have the only secret of an account in it. */
function aSecondAfter(interrupt: AbortSignal): AbortSignal {
  const late = new AbortController();
  const abort = () => late.abort(interrupt.reason);
  interrupt.addEventListener("abort", () => AbortSignal.timeout(1000).addEventListener("abort", abort));
  return late.signal;
}

function expired(): Failure {
  return new Failure("expired", "EXPIRED", "the link code has expired without an approval: sign in again");
}

/** As 9:05. */
function clock(ms: number): string {
  const seconds = Math.max(0, Math.ceil(ms / 1000));
  return `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`;
}
