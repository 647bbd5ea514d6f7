import { networkOf } from "../../domain/access/network.ts";
import type { RateLimits, WindowLimit } from "../../domain/connecting/address-rates.ts";
import type { ClientAddress } from "../client-address.ts";
import type { WebHandler } from "../handler.ts";
import type { AnswerFailure } from "./answers.ts";
import { refusal } from "./refusal.ts";

export interface AddressLimitOptions {
  /** What is counted; no two limits share a name. */
  readonly name: string;
  readonly limit: WindowLimit;
  readonly rateLimits: Pick<RateLimits, "count">;
  readonly addressOf: ClientAddress;
  readonly answerFailure: AnswerFailure;
}

/** Lets so many requests of an address through, in all replicas together; the others are told when to come again. */
export function addressLimit(options: AddressLimitOptions): WebHandler<{ platform?: string }> {
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
