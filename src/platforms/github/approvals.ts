import { isWithin } from "../../domain/access/permission-ceiling.ts";
import type { Approvals } from "../../domain/model/platform.ts";
import { recordAt, stringsAt } from "../json.ts";
import { type GithubAppSite, parseOwnApp, sendAsApp } from "./app-call.ts";

/** What only an organization can grant. */
const ofOrganizations = /^(organization_|members$|team_discussions$)/;
/** What the person grants who authorizes the app, and what an enterprise does: no installation has it. */
const ofOthers = /^(enterprise_|email_addresses$|emails$|followers$|git_ssh_keys$|gpg_keys$|profile$|starring$|plan$)/;

/**
 * An installation's permissions lag behind the app's until they are accepted (GitHub docs, "Approving updated permissions
 * for a GitHub App"); nothing else tells of it.
 */
export function createApprovals(site: GithubAppSite): Approvals {
  return {
    async wanted() {
      const reply = await sendAsApp(site, "GET", "/app");
      if (reply.kind !== "reply" || parseOwnApp(reply, site.appId) !== undefined) return undefined;
      return recordAt(reply.body, "permissions") && stringsAt(reply.body, "permissions");
    },
    lacking({ permissions, metadata }, wanted) {
      const isOrganization = metadata.account_type === "Organization";
      return Object.entries(wanted)
        .filter(([name]) => !ofOthers.test(name) && (isOrganization || !ofOrganizations.test(name)))
        .filter(([name, level]) => !isWithin({ [name]: level }, permissions))
        .map(([name, level]) => `${name}:${level}`)
        .toSorted();
    },
  };
}
