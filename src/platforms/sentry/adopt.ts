import type { Adopt } from "../../domain/model/earlier-row.ts";
import { adopted, picked } from "../adoption.ts";
import { usualLifeSeconds } from "./token.ts";

/** A public integration's installation: tokens are had in the app's own name, by the installation's id. */
export const adoptSentry: Adopt = (row) => {
  const { externalInstallId, externalOrgId, accessToken, refreshToken } = row;
  if (externalInstallId === undefined) {
    return {
      kind: "refused",
      why: "it has no external_install_id, the uuid of the integration's installation: set it there, or connect it here",
    };
  }
  if (externalOrgId === undefined) {
    return { kind: "unidentified", platform: "sentry", lacks: "external_org_id, the id of its organization" };
  }
  return adopted("sentry", "organization", {
    row: { ...row, externalOrgId },
    products: ["sentry"],
    facts: { externalUserId: undefined },
    metadata: picked(row.metadata, ["organization_slug"]),
    grant: {
      ...{ kind: "rotating", actor: "app", subject: externalInstallId, externalUserId: undefined },
      ...{ accessToken, refreshToken, longestLifeMs: usualLifeSeconds * 1000 },
    },
  });
};
