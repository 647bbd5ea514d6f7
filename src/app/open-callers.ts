import { createCallers, type PolicyEvent } from "../callers/callers.ts";
import type { KnownNames } from "../callers/names.ts";
import type { Closers } from "../closers.ts";
import { type Authenticate, anonymous, operator } from "../domain/access/caller.ts";
import type { CallerNow } from "../domain/connecting/link-policy.ts";
import { type AuditLog, serviceCaller } from "../domain/model/audit-event.ts";
import { methodNames } from "../rpc/rpc-names.ts";
import type { Redact } from "../secret-shapes.ts";
import type { Schedule } from "../work/every.ts";
import type { World } from "../world.ts";

/** Who asks, by a proof or by a name. Where callers are not told apart, everybody may do everything. */
export interface OpenedCallers {
  readonly authenticate: Authenticate;
  readonly callerNow: CallerNow;
}

/**
 * Who may call: by the caller file, every version of which is put on record, or everybody on this host.
 * @throws Error that says what is wrong with the file.
 */
export async function openCallers(parts: {
  /** The path of the caller file; undefined: callers are not told apart. */
  readonly authConfig: string | undefined;
  /** What a rule can name. */
  readonly known: Omit<KnownNames, "rpcs">;
  readonly redact: Redact;
  readonly audit: AuditLog;
  /** Told of the names that may call from now on. */
  readonly know: (callers: readonly string[]) => void;
  readonly world: World;
  readonly schedule: Schedule;
  readonly closers: Closers;
}): Promise<OpenedCallers> {
  const { authConfig, known, redact, audit, know, world, schedule, closers } = parts;
  if (authConfig === undefined) {
    know([anonymous.name]);
    world.log.warn({ advice: "only reachable from this host; anyone on it gets tokens" }, "callers.not_authenticated");
    return { authenticate: () => anonymous, callerNow: () => anonymous };
  }

  async function report(event: PolicyEvent): Promise<void> {
    if (event.kind === "policy.loaded") know(event.callers);
    const { kind, policyHash } = event;
    await audit.append([{ kind, at: world.now(), caller: serviceCaller, method: "caller file", policyHash, count: 1 }]);
  }

  const callers = await createCallers({
    ...known,
    rpcs: methodNames,
    path: authConfig,
    redact,
    world,
    report,
    schedule,
  });
  closers.add("callers", callers.close);
  world.log.info({ policyHash: callers.policyHash(), callers: callers.names().length }, "callers.authenticated");
  // Who makes links by command has no place in the file, and needs none.
  const callerNow: CallerNow = (name) => (name === operator.name ? operator : callers.callerNow(name));
  return { authenticate: callers.authenticate, callerNow };
}
