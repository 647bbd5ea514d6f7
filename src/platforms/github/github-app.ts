import { setTimeout as delay } from "node:timers/promises";
import { proofOf } from "../../domain/model/client-proof.ts";
import type {
  ExchangeOutcome,
  ExchangeRequest,
  MintOutcome,
  Narrowing,
  Platform,
  RevokeOutcome,
} from "../../domain/model/platform.ts";
import { registrationAt } from "../../domain/model/registration.ts";
import type { Secret } from "../../secret.ts";
import { type PlatformReply, send, unavailable } from "../http.ts";
import type { PlatformWorld } from "../module.ts";
import { causeOf } from "./api.ts";
import {
  type GithubAppSite,
  installationPath,
  isUnknownApp,
  parseAppRefusal,
  parseOwnApp,
  sendAsApp,
} from "./app-call.ts";
import { readPrivateKey } from "./app-jwt.ts";
import { buildTokenDeletion } from "./application-token.ts";
import { createApprovals } from "./approvals.ts";
import { buildAuthorizeUrl } from "./authorize.ts";
import { type InstallHint, readHint, readInstallCallback } from "./callback.ts";
import { proveClaim } from "./claim.ts";
import { identifyInstallation, inspectInstallation } from "./inspect.ts";
import { buildMintBody, keptOfMint, parseMint } from "./installation-token.ts";
import { createGithubRegistrar } from "./registrar.ts";
import type { ClaimProof, GithubConfig } from "./settings.ts";
import { fetchUser } from "./user.ts";
import { findUserInstallation, parseInstallation, type Reach } from "./user-installations.ts";
import { buildCodeExchange, parseExchangeError, parseTokens } from "./user-token.ts";
import { createGithubWebhooks } from "./webhooks.ts";

/** A GitHub App's registration, and where it is registered. */
export type GithubOptions = GithubConfig & PlatformWorld;

/**
 * GitHub Apps: an organization installs us, and tokens are minted with the app's key.
 * @throws Error if the private key cannot be used.
 */
export function createGithub(options: GithubOptions): Platform {
  const site: GithubAppSite = {
    ...options,
    key: readPrivateKey(options.privateKey),
    clock: { aheadMs: 0 },
    issuer: { id: options.clientId },
  };
  return {
    name: "github",
    registration: registrationAt(options.appId, options.apiUrl),
    products: ["github"],
    holder: "organization",
    actors: ["app"],
    reuseLeewayMs: 0,
    keepAliveMs: undefined,
    approvals: createApprovals(site),
    narrowing: true,
    takesScopes: false,
    consentSpendsOlder: false,
    apiBaseUrl: () => options.apiUrl,
    usesPkce: (hint) => hint !== undefined,
    authorizationUrl(request) {
      if (request.hint !== undefined) {
        const authorize = buildAuthorizeUrl(site, request, undefined);
        // Any page can send a browser here, and who has authorized the app before would pass without a click.
        if (!readHint(request.hint).installedNow) authorize.searchParams.set("prompt", "select_account");
        return authorize;
      }
      const url = new URL(`${options.webUrl}${options.installPath}/${options.slug}/installations/new`);
      url.searchParams.set("state", request.state);
      return url;
    },
    readCallback: (query, attemptHint) => readInstallCallback(query, options.issuer, attemptHint),
    exchange: (request) => exchange(site, request, options.claimProof),
    async proveClient(madeUp) {
      const ofKey = parseOwnApp(await sendAsApp(site, "GET", "/app"), site.appId);
      // The code is looked at before the installation is.
      return ofKey ?? proofOf(await exchange(site, { ...madeUp, hint: "0" }, options.claimProof));
    },
    mint: (credential, narrowing) => mint(site, credential.subject, narrowing),
    async granted({ subject }) {
      const inspected = await inspectInstallation(site, subject);
      return "facts" in inspected ? inspected.facts.permissions : undefined;
    },
    inspect: (_, { subject }) => inspectInstallation(site, subject),
    identify: async ({ externalInstallId: id }) =>
      id === undefined ? { kind: "unknown", code: "no_install_id" } : identifyInstallation(site, id),
    registrar: createGithubRegistrar(site, options.webhookSecrets),
    webhooks: createGithubWebhooks(options),
    revocationReach: () => "app",
    revoke: (credential) => uninstall(site, credential.subject),
  };
}

/** A person waits for this, and nothing depends on it. */
const discardDeadlineMs = 3_000;

async function exchange(
  site: GithubAppSite,
  request: ExchangeRequest,
  claimProof: ClaimProof,
): Promise<ExchangeOutcome> {
  if (request.hint === undefined) return { kind: "person_must_act", code: "installation_missing" };
  const reply = await send(buildCodeExchange(site, request), site);
  const answer = parseTokens(reply);
  if (answer.kind === "error") return parseExchangeError(answer.code);
  if (answer.kind !== "tokens") return answer;
  const begunAt = begunAtTheirs(reply, request.begunAt, site.now());
  const userToken = answer.tokens.token.value;
  try {
    return await prove(site, userToken, { ...readHint(request.hint), begunAt, claimProof });
  } finally {
    // It has shown whose browser this is, which is all it was for.
    await send(buildTokenDeletion(site, userToken), { ...site, deadlineMs: discardDeadlineMs });
  }
}

/** When the attempt began by GitHub's clock; undefined if GitHub does not tell its time. */
function begunAtTheirs(reply: PlatformReply, begunAt: Date, now: Date): Date | undefined {
  const theirs = reply.kind === "reply" ? Date.parse(reply.headers.get("date") ?? "") : Number.NaN;
  return Number.isNaN(theirs) ? undefined : new Date(theirs - (now.getTime() - begunAt.getTime()));
}

async function prove(
  site: GithubAppSite,
  userToken: Secret,
  named: InstallHint & { readonly begunAt: Date | undefined; readonly claimProof: ClaimProof },
): Promise<ExchangeOutcome> {
  const { installationId, claimProof } = named;
  const user = await fetchUser(site, userToken);
  if (user.kind !== "user") return user;
  const reach = await findPatiently(site, userToken, named);
  if (reach.kind !== "found") return reach;
  if (claimProof === "administers") {
    const claimed = { ...named, entry: reach.entry, id: installationId };
    const claim = await proveClaim({ site, token: userToken, user }, claimed);
    if (claim.kind === "unproven") return { kind: "not_administered" };
    if (claim.kind !== "proven") return claim;
  }
  const installation = parseInstallation(reach.entry, user.login);
  if (installation === undefined) return unavailable("unreadable_body", true);
  return {
    kind: "connected",
    connection: {
      installations: [installation],
      credentials: [
        {
          kind: "app_installation",
          actor: "app",
          subject: installationId,
          externalUserId: undefined,
          tokens: undefined,
          natural: true,
        },
      ],
    },
  };
}

/** Between looks at the person's list, which may not have an installation of this minute yet. */
const looksMs = [500, 1_000, 2_000, 3_000];

async function findPatiently(
  site: GithubAppSite,
  token: Secret,
  { installationId, installedNow }: InstallHint,
): Promise<Reach> {
  let reach = await findUserInstallation(site, token, installationId);
  for (const pauseMs of installedNow ? looksMs : []) {
    if (reach.kind !== "not_yours") break;
    await delay(pauseMs);
    reach = await findUserInstallation(site, token, installationId);
  }
  return reach;
}

async function mint(
  site: GithubAppSite,
  installationId: string,
  narrowing: Narrowing | undefined,
): Promise<MintOutcome> {
  const body = buildMintBody(narrowing);
  if (body === undefined) return { kind: "not_granted" };
  const asked = Object.keys(body).length === 0 ? undefined : narrowing;
  const reply = await sendAsApp(site, "POST", `${installationPath(installationId)}/access_tokens`, body, keptOfMint);
  const answer = parseMint(reply, asked);
  return answer.kind === "not_found" ? confirmRemoval(site, installationId) : answer;
}

/** GitHub says 404 for more than one reason. */
async function confirmRemoval(site: GithubAppSite, installationId: string): Promise<MintOutcome> {
  const inspected = await inspectInstallation(site, installationId);
  switch (inspected.kind) {
    case "gone":
    case "grant_dead":
      return { kind: "rejected", code: inspected.code };
    case "suspended":
      return { kind: "suspended" };
    case "present":
      return unavailable("installation_not_ready", false);
    default:
      return inspected;
  }
}

async function uninstall(site: GithubAppSite, installationId: string): Promise<RevokeOutcome> {
  const reply = await sendAsApp(site, "DELETE", installationPath(installationId));
  if (reply.kind === "unavailable") return { kind: "failed", cause: causeOf(reply) };
  if (reply.status === 204 || (reply.status === 404 && !isUnknownApp(reply))) return { kind: "revoked" };
  return { kind: "failed", cause: causeOf(parseAppRefusal(reply)) };
}
