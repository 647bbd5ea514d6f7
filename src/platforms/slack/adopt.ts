import type { Adopt } from "../../domain/model/earlier-row.ts";
import { adopted, picked } from "../adoption.ts";
import { usualLifeSeconds } from "./token.ts";

/** A workspace with its bot's token, or a person's where the row holds one (`xoxp-`). */
export const adoptSlack: Adopt = (row) => {
  const { externalOrgId, accessToken, refreshToken } = row;
  const isPersons = /^(xoxe\.)?xoxp-/.test(accessToken?.reveal() ?? "");
  const said = /^[UW][A-Z\d]{2,}$/.test(row.installedBy ?? "") ? row.installedBy : undefined;
  const externalUserId = isPersons ? (row.externalUserId ?? said) : undefined;
  if (externalOrgId === undefined) {
    return { kind: "unidentified", platform: "slack", lacks: "external_org_id, the id of its workspace" };
  }
  if (isPersons && externalUserId === undefined) {
    return {
      kind: "unidentified",
      platform: "slack",
      lacks: "installed_by, the id of the person whose token it holds",
    };
  }
  const nothing = accessToken === undefined && refreshToken === undefined;
  const ends = refreshToken !== undefined || row.tokenExpiresAt !== undefined;
  return adopted("slack", "organization", {
    row: { ...row, externalOrgId },
    products: ["slack"],
    facts: { externalInstallId: undefined, externalUserId: undefined },
    metadata: picked(row.metadata, ["team_id", "enterprise_id", "app_id", "bot_user_id", "domain"]),
    grant: nothing
      ? undefined
      : {
          kind: refreshToken === undefined ? "long_lived" : "rotating",
          actor: isPersons ? "user" : "app",
          subject: `${externalOrgId}:${externalUserId ?? "bot"}`,
          ...{ externalUserId, accessToken, refreshToken, longestLifeMs: ends ? usualLifeSeconds * 1000 : undefined },
        },
  });
};
