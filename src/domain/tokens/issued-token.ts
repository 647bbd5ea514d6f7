import type { Secret } from "../../secret.ts";
import { perObject } from "../../work/per-object.ts";
import type { Credential } from "../model/credential.ts";
import type { Issuable } from "../model/token.ts";

import type { Selected } from "./select-installation.ts";

export interface IssuedToken {
  readonly token: Secret;
  readonly tokenType: string;
  readonly expiresAt: Date | undefined;
  readonly scopes: readonly string[];
  readonly permissions: Readonly<Record<string, string>>;
  readonly installationId: string;
  /** Whom the installation belongs to, for the record. */
  readonly owner: string | undefined;
  /** The name the installation is stored under. */
  readonly platform: string;
  readonly externalOrgId: string;
  /** The token's fingerprint. */
  readonly tokenId: string;
  readonly apiBaseUrl: string;
}

/** Cached credentials come again as the same object, and so do their tokens. */
export function createIssuableOf(): (credential: Credential) => Issuable | undefined {
  return perObject((credential) => {
    const value = credential.accessToken();
    if (value === undefined) return undefined;
    const { issuedAt, expiresAt, scopes, permissions } = credential;
    return { value, issuedAt, expiresAt, scopes, permissions };
  });
}

/** The same answer for the same selection and token, so that doors can remember how it is written. */
export function createDescribe(): (selected: Selected, token: Issuable) => IssuedToken {
  const lastOf = perObject(
    (_: Selected): { described?: { readonly token: Issuable; readonly issued: IssuedToken } } => ({}),
  );
  return (selected, token) => {
    const last = lastOf(selected);
    if (last.described?.token === token) return last.described.issued;
    const { installation, platform, product } = selected;
    const issued: IssuedToken = {
      token: token.value,
      tokenType: "Bearer",
      expiresAt: token.expiresAt,
      scopes: token.scopes,
      permissions: token.permissions,
      installationId: installation.id,
      owner: installation.owner,
      platform: installation.platform,
      externalOrgId: installation.externalOrgId,
      tokenId: token.value.fingerprint(),
      apiBaseUrl: platform.apiBaseUrl(installation, product),
    };
    last.described = { token, issued };
    return issued;
  };
}
