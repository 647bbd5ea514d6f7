import {
  ChangeSchema,
  TokenService,
  type WatchInstallationsResponse,
} from "../../../gen/oauth/token/v1/token_service_pb.js";
import type { CallOptions } from "../call-options.ts";
import { follow, sleep } from "../calls/abortable.ts";
import type { Calls } from "../calls/calls.ts";
import { refuseUnknownFields } from "../calls/known-fields.ts";
import { toRefusal, unreachable } from "../calls/refusal.ts";
import type { InstallationChange, WatchFilter } from "../installation.ts";
import type { Log } from "../token-client.ts";
import type { TokenServiceError } from "../token-service-error.ts";
import { nameOf, plainInstallation } from "./plain.ts";

/** The service says something every 30 s. */
const silenceMs = 75_000;
const pauseMs = { first: 500, most: 15_000 };
/** Streams end now and then; what fails again and again is told. */
const toldAfter = 3;

/** What there is, then every change, over as many streams as it takes. */
export function watchInstallations(
  calls: Calls,
  filter: WatchFilter,
  options: CallOptions | undefined,
  log: Log,
): AsyncIterableIterator<InstallationChange> {
  const leaving = new AbortController();
  const release = follow(leaving, [options?.signal, calls.closed]);
  const changes = watchUntil(calls, { ...filter }, leaving.signal, release, log);
  const iterator: AsyncIterableIterator<InstallationChange> = {
    async next() {
      try {
        return await changes.next();
      } catch (error) {
        // Who gave a signal hears of it; who left, or closed the client, has nothing more to hear.
        if (!leaving.signal.aborted) throw error;
        options?.signal?.throwIfAborted();
        return { done: true, value: undefined };
      }
    },
    async return() {
      leaving.abort(new Error("nobody watches any more"));
      // What is waited for ends first.
      await changes.return(undefined).catch(() => undefined);
      // One that never began releases nothing itself.
      release();
      return { done: true, value: undefined };
    },
    [Symbol.asyncIterator]: () => iterator,
  };
  return iterator;
}

async function* watchUntil(
  calls: Calls,
  filter: WatchFilter,
  left: AbortSignal,
  release: () => void,
  log: Log,
): AsyncGenerator<InstallationChange, undefined> {
  let { resumeToken = "" } = filter;
  let failures = 0;
  try {
    refuseUnknownFields(TokenService.method.watchInstallations.input, filter);
    for (;;) {
      try {
        for await (const message of heard(calls, { ...filter, resumeToken }, left)) {
          failures = 0;
          resumeToken = message.resumeToken || resumeToken;
          const change = plainChange(message);
          if (change !== undefined) yield change;
        }
      } catch (error) {
        left.throwIfAborted();
        const refusal = toRefusal(error);
        if (isFinal(refusal, failures > 0)) throw refusal;
        const { reason, code, message } = refusal;
        if (failures === toldAfter) log.warn({ reason, code, message }, "installations cannot be watched at present");
      }
      left.throwIfAborted();
      const most = Math.min(pauseMs.most, pauseMs.first * 2 ** failures);
      failures += 1;
      await sleep(most * (0.5 + Math.random() / 2), left);
    }
  } finally {
    release();
  }
}

/** One stream, which fails when it falls silent. A reader who takes their time is not silence. */
async function* heard(
  calls: Calls,
  request: WatchFilter,
  left: AbortSignal,
): AsyncGenerator<WatchInstallationsResponse> {
  const ending = new AbortController();
  const release = follow(ending, [left]);
  const messages = calls.stream(TokenService.method.watchInstallations, request, ending.signal)[Symbol.asyncIterator]();
  try {
    for (;;) {
      const timer = setTimeout(() => ending.abort(new Error("the stream fell silent")), silenceMs);
      const { done, value } = await messages.next().finally(() => clearTimeout(timer));
      if (done) return;
      yield value;
    }
  } finally {
    ending.abort();
    release();
  }
}

/** Whether watching again would be refused again. A proof that was good may have grown old. */
function isFinal({ reason, code, retryAfterMs }: TokenServiceError, isAgain: boolean): boolean {
  if (reason === unreachable || retryAfterMs !== undefined || code === "INTERNAL") return false;
  return code !== "UNAUTHENTICATED" || isAgain;
}

/** Undefined for a kind of change that this version does not know. */
function plainChange({
  change,
  installation,
  resumeToken,
}: WatchInstallationsResponse): InstallationChange | undefined {
  const name = nameOf(ChangeSchema, change);
  if (name === "CHANGE_SYNCED") return { change: name, resumeToken };
  if (installation === undefined || !isChange(name)) return undefined;
  return { change: name, installation: plainInstallation(installation), resumeToken };
}

function isChange(name: string): name is Exclude<InstallationChange["change"], "CHANGE_SYNCED"> {
  return ["CHANGE_PRESENT", "CHANGE_CREATED", "CHANGE_UPDATED", "CHANGE_ENDED"].includes(name);
}
