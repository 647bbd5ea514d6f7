import { ServiceError } from "../../errors.ts";
import type { RefreshOutcome } from "../model/refresh-failure.ts";
import { type InstallUrl, reauthorizationRequired, type Selected } from "./select-installation.ts";

type Failed = Omit<Extract<RefreshOutcome, { kind: "failed" }>, "kind">;

/** What a caller of GetToken hears when no token could be had: one reason for each failure, with when to ask again. */
export function createTokenRefusal(installUrl: InstallUrl): (failed: Failed, selected: Selected) => ServiceError {
  return ({ failure, retryAfterMs, code = "" }, selected) => {
    const { installation, product } = selected;
    const platform = product;
    const retry = { retryAfterMs: Math.max(retryAfterMs, 100), metadata: { platform } };
    switch (failure) {
      case "dead":
        return reauthorizationRequired(platform, installUrl(platform, installation.owner));
      case "gone":
        return new ServiceError("INSTALLATION_REVOKED", `installation ${installation.id} was revoked`);
      case "suspended":
        return new ServiceError(
          "INSTALLATION_SUSPENDED",
          `installation ${installation.id} is suspended at ${platform}`,
        );
      case "refused":
        if (code === "answer_too_large") {
          const message = `${platform} answers with more than this service reads: name fewer repositories`;
          return new ServiceError("PROVIDER_UNAVAILABLE", message, retry);
        }
        return new ServiceError(
          "INSTALLATION_SUSPENDED",
          `${platform} gives installation ${installation.id} no token (${code}): its organization has to allow it`,
          { metadata: { platform, installation_id: installation.id, refused: code } },
        );
      case "misconfigured":
        return misconfigured(platform, `${platform} refused this service's own credentials`);
      case "rate_limited":
        return new ServiceError("PROVIDER_RATE_LIMITED", `${platform} limits this service's calls`, retry);
      case "unavailable":
      case "doubted":
        return new ServiceError("PROVIDER_UNAVAILABLE", `${platform} gives no usable answer`, retry);
    }
  };
}

/** It is ours to repair: no installation is harmed. */
export function misconfigured(platform: string, message: string): ServiceError {
  return new ServiceError("PROVIDER_MISCONFIGURED", message, { metadata: { platform } });
}
