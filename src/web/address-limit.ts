import type { RateLimits, WindowLimit } from "../domain/rate-limit.ts";
import type { AnswerFailure } from "./answers.ts";
import type { ClientAddress } from "./client-address.ts";
import type { WebHandler } from "./handler.ts";
import { refusal } from "./refusal.ts";

export interface AddressLimitOptions {
  /** What is counted; no two limits share a name. */
  readonly name: string;
  readonly limit: WindowLimit;
  readonly rateLimits: RateLimits;
  readonly addressOf: ClientAddress;
  readonly answerFailure: AnswerFailure;
}

/** Lets so many requests of an address through, in all replicas together; the others are told when to come again. */
export function addressLimit(options: AddressLimitOptions): WebHandler<{ platform: string }> {
  const { name, limit, rateLimits, addressOf, answerFailure } = options;

  return async (request, response, next) => {
    const { platform } = request.params;
    let waitMs: number;
    try {
      waitMs = await rateLimits.count(`${name} ${networkOf(addressOf(request) ?? "")}`, limit);
    } catch (error) {
      return answerFailure(request, response, refusal(error), platform);
    }
    if (waitMs <= 0) return next();
    response.setHeader("Retry-After", Math.ceil(waitMs / 1000));
    answerFailure(request, response, "too_many_requests", platform);
  };
}

/** Who has one IPv6 address has the 64 bits behind its network: those count as one. */
export function networkOf(address: string): string {
  if (!address.includes(":")) return address;
  const [head = "", tail] = address.split("::");
  const before = head === "" ? [] : head.split(":");
  const after = tail === undefined || tail === "" ? [] : tail.split(":");
  const gap = tail === undefined ? 0 : 8 - before.length - after.length;
  return `${[...before, ...Array<string>(gap).fill("0"), ...after].slice(0, 4).join(":")}::/64`;
}
