import { describeError } from "../../described-error.ts";
import type { Secret } from "../../secret.ts";
import { inTurn } from "../../work/in-turn.ts";
import { createPool } from "../../work/pool.ts";
import { singleFlight } from "../../work/single-flight.ts";
import type { World } from "../../world.ts";
import type { ForwardResult, Telemetry } from "../model/telemetry.ts";
import { type Leased, leasedFrom, leaseMs } from "./delivery-lease.ts";
import type { DeliveryRepository, ForwardingSwitch, SentTask, TakenDelivery } from "./delivery-repository.ts";
import { eventMessage } from "./forward-message.ts";
import { signMessage } from "./standard-webhook.ts";

/** Where messages go, and what they are signed with: two secrets while one is rotated. */
export interface Forwarding {
  readonly url: URL;
  readonly secrets: readonly Secret[];
}

/** Sends on what was kept, and holds up nothing else while its receiver is slow or away. */
export interface Forwarder {
  /** Whether anybody wants to hear of events. */
  readonly wanted: boolean;
  /** How many more it would take. */
  readonly room: number;
  /** One that was just kept under a lease. */
  add(delivery: TakenDelivery): void;
  /** What is due: further attempts, what an ended process left, what there was no room for. */
  sendDue(): Promise<void>;
  /** Ends when what is under way has; what waits is left to others. */
  close(): Promise<void>;
}

/** Where nobody wants to hear of events. */
export const noForwarder: Forwarder = {
  wanted: false,
  room: 0,
  add: () => undefined,
  sendDue: async () => undefined,
  close: async () => undefined,
};

/**
 * Of what this process was sent itself, and of what is due: of that nothing waits, since what is taken up counts as an
 * attempt, and would be dead without having been sent while its receiver is slow.
 */
const own = { atOnce: 12, waiting: 500 };
const due = { atOnce: 8, waiting: 0 };
/** Of what is due, opened at once. */
const dueBytes = 16 * 1024 * 1024;
/** For the receiver's whole answer; less than a lease, so that nobody else sends it meanwhile. */
const answerMs = 8_000;
/** With what is asked of the database before and after. */
const takesMs = answerMs + 1_000;
/** After each attempt that failed; then it is dead. */
const afterMs = { a: 5_000, b: 60_000, c: 600_000, d: 3_600_000, e: 21_600_000, f: 86_400_000 };
const delaysMs = Object.values(afterMs);
/** Of which a tenth more or less, so that many that failed together do not come together again. */
const spread = 0.1;

/** `task`: what is sent there; also what its log lines begin with. */
export function createForwarder(parts: {
  readonly task: SentTask;
  readonly forwarding: Forwarding;
  readonly deliveries: DeliveryRepository;
  readonly off: ForwardingSwitch;
  readonly telemetry: Pick<Telemetry, "sendingFinished">;
  readonly world: World;
}): Forwarder {
  const { task, forwarding, deliveries, off, telemetry, world } = parts;
  const address = forwarding.url.href;
  const ownPool = createPool(own, sendInTime);
  const duePool = createPool(due, sendInTime);
  const arrived = inTurn((ids: readonly string[]) => deliveries.forwarded(ids));
  const look = singleFlight<Awaited<ReturnType<DeliveryRepository["whose"]>>>();
  let isOff = false;
  let isFailing = false;
  let isClosed = false;

  async function sendInTime({ delivery, untilMs }: Leased): Promise<void> {
    // Once its lease is nearly over somebody else may send it, too.
    if (isOff || isClosed || performance.now() > untilMs) return;
    try {
      await attempt(delivery);
    } catch (error) {
      world.log.warn({ delivery: delivery.id, type: delivery.type, error: describeError(error) }, `${task}.left`);
    }
  }

  async function attempt(delivery: TakenDelivery): Promise<void> {
    const answer = await send(delivery, await messageOf(delivery));
    note(answer);
    if (answer === undefined) {
      telemetry.sendingFinished(task, "delivered");
      return arrived([delivery.id]);
    }
    const delayMs = answer === gone ? 0 : delayAfter(delivery.attempts);
    const result: ForwardResult = answer === gone ? "gone" : delayMs === undefined ? "dead" : "failed";
    telemetry.sendingFinished(task, result);
    const about = { delivery: delivery.id, type: delivery.type, attempts: delivery.attempts, error: answer };
    world.log[result === "failed" ? "debug" : "error"](about, `${task}.${result}`);
    await deliveries.failed(delivery, { error: answer, delayMs });
    if (answer === gone) await turnOff();
  }

  /** One line when it begins to fail, and one when it ends: many thousand may fail meanwhile. */
  function note(error: string | undefined): void {
    if (isFailing === (error !== undefined)) return;
    isFailing = !isFailing;
    world.log[isFailing ? "warn" : "info"]({ failing: isFailing, error }, `${task}.receiver`);
  }

  async function messageOf(delivery: TakenDelivery): Promise<string> {
    const { content, platform } = delivery;
    if (content.kind === "message") return content.body;
    const { event, payload = "null" } = content;
    const owner = await look(`${platform} ${JSON.stringify(event.about)}`, () =>
      deliveries.whose(platform, event.about),
    );
    return eventMessage(delivery, event, payload, owner);
  }

  /** Undefined: it arrived. Otherwise why not, in a fixed word. */
  async function send({ id }: TakenDelivery, body: string): Promise<string | undefined> {
    try {
      const response = await world.fetch(address, {
        method: "POST",
        headers: {
          "content-type": "application/json",
          "user-agent": "oauth-token-service",
          ...signMessage(forwarding.secrets, id, world.now(), body),
        },
        body,
        redirect: "manual",
        signal: AbortSignal.timeout(answerMs),
      });
      // What it says does not count, and is not waited for; read to its end, so that the connection serves the next one.
      response.body?.pipeTo(new WritableStream()).catch(() => undefined);
      return response.ok ? undefined : `http_${response.status}`;
    } catch (error) {
      return error instanceof Error && error.name === "TimeoutError" ? "timeout" : "unreachable";
    }
  }

  async function turnOff(): Promise<void> {
    isOff = true;
    await off.turnOff(address);
  }

  function delayAfter(attempts: number): number | undefined {
    const delay = delaysMs[Math.max(attempts, 1) - 1];
    return delay && delay * (1 - spread + 2 * spread * (world.random(1).readUInt8(0) / 255));
  }

  /** What the other replicas were told, or an operator undid. */
  async function readSwitch(): Promise<boolean> {
    const now = await off.isOff(address);
    if (now !== isOff) world.log[now ? "error" : "info"]({ off: now }, `${task}.switched`);
    isOff = now;
    return now;
  }

  return {
    wanted: true,
    get room() {
      return isOff ? 0 : ownPool.room;
    },
    add: (delivery) => void ownPool.add(leasedFrom(performance.now(), delivery, takesMs)),
    async sendDue() {
      while (!isClosed && !(await readSwitch())) {
        const most = duePool.room;
        const takenMs = performance.now();
        const taken = await deliveries.take(task, { rows: most, bytes: dueBytes }, leaseMs);
        for (const delivery of taken) duePool.add(leasedFrom(takenMs, delivery, takesMs));
        await duePool.idle();
        if (taken.length === 0) return;
      }
    },
    async close() {
      isClosed = true;
      await Promise.all([ownPool.idle(), duePool.idle()]);
    },
  };
}

/** The receiver wants nothing any more, now or ever. */
const gone = "http_410";
