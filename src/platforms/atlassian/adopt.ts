import type { Adopt } from "../../domain/model/earlier-row.ts";
import { adopted, grantSubject, picked } from "../adoption.ts";
import { grantLifeMs } from "./connection.ts";
import { productsOf } from "./sites.ts";
import { usualLifeSeconds } from "./token.ts";

/** A person's grant for one site: earlier services knew the site, and never the person. */
export const adoptAtlassian: Adopt = (row) => {
  const { product, externalOrgId, externalUserId, accessToken, refreshToken } = row;
  if (externalOrgId === undefined) {
    return { kind: "unidentified", platform: "jira", lacks: "external_org_id, the cloud id of its site" };
  }
  const scopes = row.scopes.filter((scope) => scope !== "offline_access");
  const nothing = accessToken === undefined && refreshToken === undefined;
  return adopted("jira", "person", {
    row: { ...row, externalOrgId, scopes },
    products: scopes.length === 0 ? [product] : [...new Set([...productsOf(scopes), product])].sort(jiraFirst),
    facts: { externalInstallId: undefined },
    metadata: picked(row.metadata, ["url", "avatar_url"]),
    grant: nothing
      ? undefined
      : {
          kind: refreshToken === undefined ? "long_lived" : "rotating",
          actor: "user",
          subject: externalUserId ?? grantSubject(row),
          ...{ externalUserId, accessToken, refreshToken, longestLifeMs: usualLifeSeconds * 1000 },
          ...(refreshToken === undefined ? {} : { grantLifeMs }),
        },
  });
};

function jiraFirst(a: string, b: string): number {
  return Number(b === "jira") - Number(a === "jira");
}
