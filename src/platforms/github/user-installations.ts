import type { ConnectedInstallation } from "../../domain/model/connection.ts";
import type { InspectedFacts } from "../../domain/model/platform.ts";
import type { Secret } from "../../secret.ts";
import { type PlatformReply, type PlatformRequest, send, unavailable } from "../http.ts";
import { arrayAt, idAt, nameAt, numberAt, recordAt, stringAt, stringsAt } from "../json.ts";
import type { KeptFields } from "../kept-json.ts";
import { apiRequest, type GithubSite, type NoAnswer, unrecognised } from "./api.ts";

/** Whether a person reaches an installation. */
export type Reach = { readonly kind: "found"; readonly entry: unknown } | { readonly kind: "not_yours" } | NoAnswer;

/** One page of installations, of whatever apps. */
export type InstallationsPage =
  | { readonly kind: "page"; readonly entries: readonly unknown[]; readonly total: number | undefined }
  | NoAnswer;

const pageSize = 100;
const maxPages = 100;
/** An entry names dozens of events and addresses that nobody here reads. */
const keptOfInstallations: KeptFields = {
  total_count: true,
  installations: {
    id: true,
    app_id: true,
    account: { id: true, login: true, slug: true, type: true },
    target_id: true,
    target_type: true,
    permissions: true,
    repository_selection: true,
    created_at: true,
    suspended_at: true,
  },
};

/**
 * Looks for an installation of our app among all that a person can reach. Their callback only named it; being on this
 * list is the proof (GitHub docs, "About the setup URL").
 */
export async function findUserInstallation(
  site: GithubSite & { readonly appId: string },
  token: Secret,
  installationId: string,
): Promise<Reach> {
  let seen = 0;
  for (let number = 1; number <= maxPages; number += 1) {
    const page = parseInstallationsPage(await send(buildInstallationsPage(site, token, number), site));
    if (page.kind !== "page") return page;
    const entry = page.entries.find((candidate) => idAt(candidate, "id") === installationId);
    if (entry !== undefined)
      return idAt(entry, "app_id") === site.appId ? { kind: "found", entry } : { kind: "not_yours" };
    seen += page.entries.length;
    const isLast = page.total === undefined ? page.entries.length < pageSize : seen >= page.total;
    if (isLast || page.entries.length === 0) return { kind: "not_yours" };
  }
  return unavailable("too_many_installations", false);
}

/** The request for one page, counted from 1 (GitHub REST, "List app installations accessible to the user access token"). */
export function buildInstallationsPage(site: GithubSite, token: Secret, number: number): PlatformRequest {
  const url = `${site.apiUrl}/user/installations?per_page=${pageSize}&page=${number}`;
  return { ...apiRequest("GET", url, `Bearer ${token.reveal()}`), keep: keptOfInstallations };
}

/** Reads the answer to `buildInstallationsPage`. */
export function parseInstallationsPage(reply: PlatformReply): InstallationsPage {
  if (reply.kind === "unavailable") return reply;
  const entries = arrayAt(reply.body, "installations");
  if (reply.status !== 200 || entries === undefined) return unrecognised(reply);
  return { kind: "page", entries, total: numberAt(reply.body, "total_count") };
}

/** Reads an entry of that list, whose account may be a person, an organization or an enterprise; undefined if it names none. */
export function parseInstallation(entry: unknown, installedBy: string): ConnectedInstallation | undefined {
  const id = idAt(entry, "id");
  const externalOrgId = idAt(recordAt(entry, "account"), "id") ?? idAt(entry, "target_id");
  if (id === undefined || externalOrgId === undefined) return undefined;
  const { externalOrgName = externalOrgId, permissions = {}, metadata } = parseInstallationFacts(entry);
  return {
    products: ["github"],
    externalOrgId,
    externalOrgName,
    externalInstallId: id,
    externalUserId: undefined,
    scopes: [],
    permissions,
    installedBy,
    metadata,
    suspended: stringAt(entry, "suspended_at") !== undefined,
  };
}

/** What may change of an installation while it stays the same one. */
export function parseInstallationFacts(entry: unknown): InstallationFacts {
  const account = recordAt(entry, "account");
  const accountType = stringAt(entry, "target_type") ?? stringAt(account, "type");
  const selection = stringAt(entry, "repository_selection");
  return {
    externalOrgName: nameAt(account, "login") ?? nameAt(account, "slug"),
    scopes: undefined,
    permissions: recordAt(entry, "permissions") && stringsAt(entry, "permissions"),
    metadata: {
      ...(accountType === undefined ? {} : { account_type: accountType }),
      ...(selection === undefined ? {} : { repository_selection: selection }),
    },
  };
}

interface InstallationFacts extends InspectedFacts {
  readonly metadata: Readonly<Record<string, string>>;
}
