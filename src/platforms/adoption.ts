import type { ConnectedInstallation } from "../domain/model/connection.ts";
import type { Adoption, EarlierGrant, EarlierRow } from "../domain/model/earlier-row.ts";

interface Parts {
  readonly row: EarlierRow & { readonly externalOrgId: string };
  readonly products: readonly string[];
  readonly metadata: Readonly<Record<string, string>>;
  readonly grant: EarlierGrant | undefined;
  readonly facts?: Partial<ConnectedInstallation>;
}

/** A row as an installation of `platform`. What earlier services kept as permissions of scopes are none. */
export function adopted(
  platform: string,
  holder: "organization" | "person",
  { row, products, metadata, grant, facts }: Parts,
): Adoption {
  const { externalOrgId, externalOrgName = externalOrgId, externalInstallId, externalUserId, scopes } = row;
  const installation = {
    ...{ products, externalOrgId, externalOrgName, externalInstallId, externalUserId, scopes },
    ...{ permissions: {}, installedBy: row.installedBy, metadata, suspended: false },
    ...facts,
  };
  return { kind: "adopted", platform, holder, installation, grant };
}

/** Names a grant whose person nobody knows: by its token, which no other grant has. */
export function grantSubject({ refreshToken, accessToken }: Pick<EarlierRow, "refreshToken" | "accessToken">): string {
  return `grant:${(refreshToken ?? accessToken)?.fingerprint()}`;
}

/** The facts of these names: whatever else an earlier service kept there may be a secret. */
export function picked(
  metadata: Readonly<Record<string, string>>,
  names: readonly string[],
): Readonly<Record<string, string>> {
  return Object.fromEntries(Object.entries(metadata).filter(([name]) => names.includes(name)));
}
