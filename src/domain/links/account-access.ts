import { ServiceError } from "../../errors.ts";
import type { Access, Visibility } from "../access/access.ts";
import type { CallerNow } from "../connecting/link-policy.ts";
import { accessNow } from "../connecting/link-policy.ts";
import type { Call } from "../model/call.ts";
import type { LinkAccount } from "./link-account.ts";

/** Where a request comes from. */
export interface Visitor {
  /** The peer's address. */
  readonly address: string | undefined;
  readonly requestId: string;
}

/** How long who asks is taken to wait. */
const patienceMs = 10_000;

/** Who is named on record for what an account is given. No caller can have such a name. */
export function accountName({ id }: Pick<LinkAccount, "id">): string {
  return `link:${id}`;
}

/**
 * What an account may do, as a call: see tokens of its product and its owner, and hold no more than who started its link
 * may let it hold now.
 * @throws ServiceError CALLER_NOT_ALLOWED if who started may start nothing of the kind any more.
 */
export function accountCall(account: LinkAccount, callerNow: CallerNow, from: Visitor, method: string): Call {
  const starter = callerNow(account.caller);
  const access = accessNow(starter, "StartLink");
  if (access === undefined || !access.sees(account.product, account.owner)) {
    throw new ServiceError("CALLER_NOT_ALLOWED", "whoever started this link may not do so any more: sign in again");
  }
  const endsAt = performance.now() + patienceMs;
  return {
    caller: accountName(account),
    access: accessOf(account, access),
    policyHash: starter?.policyHash,
    method,
    address: from.address,
    requestId: from.requestId,
    trace: undefined,
    remainingMs: () => endsAt - performance.now(),
  };
}

function accessOf({ product, owner }: LinkAccount, { rules, ceiling }: Access): Access {
  // Without an owner this alone would show everybody's; `sees` is what every token passes.
  const shown = [{ products: [product], owners: owner === undefined ? ("all" as const) : [owner] }];
  const visible: Visibility = { key: JSON.stringify(shown), rules: shown };
  return {
    rules,
    rates: [],
    check: () => undefined,
    sees: (seen, of) => seen === product && of === owner,
    visible: () => visible,
    ceiling,
  };
}
