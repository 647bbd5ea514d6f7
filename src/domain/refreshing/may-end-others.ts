import type { CredentialIdentity } from "../model/credential.ts";
import type { GrantInUse } from "../model/credential-repository.ts";
import type { Platform } from "../model/platform.ts";

/**
 * Whether revoking a credential at the platform may end what something else lives by. What belongs to an organization
 * has one owner, and what is pending there is no claim; a person may have connected for several.
 */
export function mayEndOthers(
  platform: Platform,
  { kind }: Pick<CredentialIdentity, "kind">,
  { live, pending }: GrantInUse,
): boolean {
  if (platform.revocationReach(kind) === "token") return false;
  return live || (pending && platform.holder === "person");
}
