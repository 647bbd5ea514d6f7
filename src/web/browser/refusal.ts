import type { InstallFailure } from "../../domain/model/install-failure.ts";
import { ServiceError } from "../../errors.ts";

/** The failure a person sees for a refusal of ours. @throws whatever is no such refusal: that is a bug. */
export function refusal(error: unknown): InstallFailure {
  const reason = error instanceof ServiceError ? error.reason : undefined;
  switch (reason) {
    case "INVALID_REQUEST":
      return "platform_unknown";
    case "PLATFORM_NOT_CONFIGURED":
      return "platform_not_configured";
    case "INSTALLATION_TAKEN":
      return "installation_taken";
    case "SERVICE_UNAVAILABLE":
      return "service_unavailable";
    default:
      throw error;
  }
}
