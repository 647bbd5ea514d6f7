import type { Secret } from "../../secret.ts";
import { type PlatformReply, send } from "../http.ts";
import { arrayAt, booleanAt, idAt, numberAt, recordAt, stringAt } from "../json.ts";
import type { KeptFields } from "../kept-json.ts";
import { apiRequest, type NoAnswer, unrecognised } from "./api.ts";
import { type GithubAppSite, installationPath, sendAsApp } from "./app-call.ts";
import { parseMint } from "./installation-token.ts";
import type { GithubUser } from "./user.ts";

/** Whether a person may give an installation away. `unproven`: GitHub answered, and nothing showed it. */
export type Claim = { readonly kind: "proven" } | { readonly kind: "unproven" } | NoAnswer;

/** What a person wants to bind, as GitHub listed it. */
export interface ClaimedInstallation {
  /** The entry of the person's list. */
  readonly entry: unknown;
  readonly id: string;
  /** Whether the callback said that it was installed in this attempt. */
  readonly installedNow: boolean;
  /** When the attempt began by GitHub's clock; undefined if GitHub did not tell its time. */
  readonly begunAt: Date | undefined;
}

interface Claimant {
  readonly site: GithubAppSite;
  readonly token: Secret;
  readonly user: GithubUser;
}

const proven: Claim = { kind: "proven" };
const unproven: Claim = { kind: "unproven" };
const pageSize = 100;
/** Whoever administers more repositories than this has to show it in another way. */
const maxPages = 25;
/** A page of whole repositories is half a megabyte and more. */
const keptOfRepositories: KeptFields = { total_count: true, repositories: { permissions: { admin: true } } };

/**
 * Seeing an installation is not administering it: read access to one repository is enough to be shown it. Any of these
 * is enough, asked in this order: it was installed in this very attempt; its account is the person's own; the person
 * administers the organization; the person administers every repository of the installation.
 */
export async function proveClaim(claimant: Claimant, claimed: ClaimedInstallation): Promise<Claim> {
  if (isInstalledNow(claimed) || isOwnAccount(claimant.user, claimed.entry)) return proven;
  const inOrganization = await administersOrganization(claimant, claimed.entry);
  if (inOrganization.kind === "proven") return proven;
  const inRepositories = await administersRepositories(claimant, claimed);
  if (inRepositories.kind === "proven") return proven;
  // What could not be asked may still be so.
  return inRepositories.kind === "unproven" ? inOrganization : inRepositories;
}

/** GitHub tells times in whole seconds, so the second in which the attempt began counts. */
function isInstalledNow({ entry, installedNow, begunAt }: ClaimedInstallation): boolean {
  const createdAt = Date.parse(stringAt(entry, "created_at") ?? "");
  return installedNow && begunAt !== undefined && createdAt >= Math.floor(begunAt.getTime() / 1000) * 1000;
}

function isOwnAccount(user: GithubUser, entry: unknown): boolean {
  const account = recordAt(entry, "account");
  return stringAt(account, "type") === "User" && idAt(account, "id") === user.id;
}

/**
 * Asks for the person's membership, which the app's permission *Members: read* lets it see (GitHub REST, "Get an
 * organization membership for the authenticated user"). 403: the app may not see it, or the organization blocks apps;
 * 404: the person is not affiliated. Neither proves anything.
 */
async function administersOrganization({ site, token }: Claimant, entry: unknown): Promise<Claim> {
  const account = recordAt(entry, "account");
  const login = stringAt(account, "login");
  if (stringAt(account, "type") !== "Organization" || login === undefined) return unproven;
  const path = `/user/memberships/orgs/${encodeURIComponent(login)}`;
  const reply = await send(apiRequest("GET", site.apiUrl + path, `Bearer ${token.reveal()}`), site);
  if (reply.kind !== "reply" || reply.status !== 200) return refusal(reply);
  const isAdmin = stringAt(reply.body, "state") === "active" && stringAt(reply.body, "role") === "admin";
  // A login may have passed to another organization meanwhile.
  return isAdmin && idAt(recordAt(reply.body, "organization"), "id") === idAt(account, "id") ? proven : unproven;
}

/**
 * The person's list has only the repositories that the person reaches (GitHub REST, "List repositories accessible to
 * the user access token"), so it proves something only if it is as long as the installation's own.
 */
async function administersRepositories({ site, token }: Claimant, { id }: ClaimedInstallation): Promise<Claim> {
  let seen = 0;
  for (let number = 1; number <= maxPages; number += 1) {
    const path = `/user/installations/${id}/repositories?per_page=${pageSize}&page=${number}`;
    const request = apiRequest("GET", site.apiUrl + path, `Bearer ${token.reveal()}`);
    const reply = await send({ ...request, keep: keptOfRepositories }, site);
    if (reply.kind !== "reply" || reply.status !== 200) return refusal(reply);
    const entries = arrayAt(reply.body, "repositories");
    const total = numberAt(reply.body, "total_count");
    if (entries === undefined || total === undefined) return unrecognised(reply);
    if (entries.length === 0 || !entries.every(isAdministered)) return unproven;
    if (number === 1) {
      const all = await countRepositories(site, id);
      if (typeof all !== "number") return all;
      if (all !== total) return unproven;
    }
    seen += entries.length;
    if (seen >= total) return proven;
  }
  return unproven;
}

function isAdministered(repository: unknown): boolean {
  return booleanAt(recordAt(repository, "permissions"), "admin") === true;
}

/** How many repositories the installation has, by a token of its own that is ended at once. */
async function countRepositories(site: GithubAppSite, id: string): Promise<number | Claim> {
  const body = { permissions: { metadata: "read" } };
  const minted = parseMint(await sendAsApp(site, "POST", `${installationPath(id)}/access_tokens`, body), undefined);
  switch (minted.kind) {
    case "minted":
      break;
    case "misconfigured":
    case "rate_limited":
    case "unavailable":
      return minted;
    default:
      return unproven;
  }
  const authorization = `Bearer ${minted.tokens.token.value.reveal()}`;
  const request = apiRequest("GET", `${site.apiUrl}/installation/repositories?per_page=1`, authorization);
  const reply = await send({ ...request, keep: { total_count: true } }, site);
  await send(apiRequest("DELETE", `${site.apiUrl}/installation/token`, authorization), { ...site, deadlineMs: 3_000 });
  if (reply.kind !== "reply" || reply.status !== 200) return refusal(reply);
  return numberAt(reply.body, "total_count") ?? unrecognised(reply);
}

/** A refusal shows nothing, unless it is about us: then it is asked again later. */
function refusal(reply: PlatformReply): Claim {
  if (reply.kind === "unavailable") return reply;
  const answer = unrecognised(reply);
  return answer.kind === "unavailable" && (reply.status === 403 || reply.status === 404) ? unproven : answer;
}
