import type { Adopt, Adoption } from "../../domain/model/earlier-row.ts";
import { adopted, grantSubject, picked } from "../adoption.ts";
import { usualLifeSeconds } from "./user-token.ts";

/** The app's installation: its id is all that tokens are minted with. What the row holds of tokens lives an hour. */
export const adoptInstallation: Adopt = (row) => {
  const { externalInstallId: id, externalOrgId, installedBy } = row;
  if (id === undefined) return adoptPerson(row);
  if (!/^\d+$/.test(id)) {
    return refused(`its external_install_id is not the number that GitHub gave: correct it there`);
  }
  if (externalOrgId === undefined) {
    return { kind: "unidentified", platform: "github", lacks: "external_org_id, the id of its GitHub account" };
  }
  return adopted("github", "organization", {
    row: { ...row, externalOrgId },
    products: ["github"],
    facts: { permissions: row.permissions, installedBy, externalUserId: undefined, scopes: [] },
    metadata: picked(row.metadata, ["account_type", "repository_selection"]),
    grant: {
      ...{ kind: "app_installation", actor: "app", subject: id, externalUserId: undefined },
      ...{ accessToken: undefined, refreshToken: undefined, longestLifeMs: undefined },
    },
  });
};

/** A person's token of the OAuth App. */
export const adoptPerson: Adopt = (row) => {
  const { accessToken, refreshToken, externalOrgId = row.externalUserId, externalUserId } = row;
  const useless = uselessness(accessToken?.reveal() ?? "");
  if (useless !== undefined) return refused(useless);
  if (accessToken === undefined && refreshToken === undefined) {
    return refused(
      "it has neither an external_install_id nor a token: set external_install_id there, or connect it here",
    );
  }
  if (externalOrgId === undefined) {
    return { kind: "unidentified", platform: "github-oauth", lacks: "external_org_id, the id of the token's person" };
  }
  const rotates = refreshToken !== undefined;
  const ends = rotates || row.tokenExpiresAt !== undefined;
  return adopted("github-oauth", "person", {
    row: { ...row, externalOrgId },
    products: ["github-oauth"],
    metadata: picked(row.metadata, ["account_type"]),
    grant: {
      kind: rotates ? "rotating" : "long_lived",
      actor: "user",
      subject: externalUserId ?? grantSubject(row),
      ...{ externalUserId, accessToken, refreshToken, longestLifeMs: ends ? usualLifeSeconds * 1000 : undefined },
    },
  });
};

/** Why a token by its prefix (GitHub docs, "GitHub's token formats") is none of the OAuth App's. */
function uselessness(token: string): string | undefined {
  const { what } = /^(?<what>ghs|ghu|ghp|github_pat)_/.exec(token)?.groups ?? {};
  switch (what) {
    case "ghs":
      return "it has a token of the app's installation, which ended within the hour, and not the installation's id: set external_install_id there";
    case "ghu":
      return "it has a person's token of the GitHub App, and not the installation's id: set external_install_id there, or connect it here";
    case "ghp":
    case "github_pat":
      return "it has a personal access token, which is no app's to keep: connect it here instead";
    default:
      return undefined;
  }
}

function refused(why: string): Adoption {
  return { kind: "refused", why };
}
