import { invalidField, ServiceError } from "../../errors.ts";
import { Secret } from "../../secret.ts";
import type { World } from "../../world.ts";
import { type Access, seesAny } from "../access/access.ts";
import { rowsOf } from "../model/audit-event.ts";
import type { Call } from "../model/call.ts";
import type { Installation } from "../model/installation.ts";
import type { InstallationRepository } from "../model/installation-repository.ts";
import { noInstallation } from "../model/not-found.ts";
import type { Platform } from "../model/platform.ts";
import { checkPlatform, type Platforms } from "../model/platforms.ts";
import type { LinkRepository } from "./install-link.ts";
import { originsOf, vouches } from "./link-policy.ts";
import { completionParameter, parseReturnTo, type ReturnOrigins } from "./return-to.ts";

/** What CreateInstallLink is asked for. */
export interface InstallLinkRequest {
  /** A product name. */
  readonly platform: string;
  readonly owner: string | undefined;
  /** As the caller gave it, not yet checked. */
  readonly returnTo: string | undefined;
  /** Undefined: 10 minutes. */
  readonly ttlMs: number | undefined;
  /** In addition to the configured ones. */
  readonly scopes: readonly string[];
  /** The installation to reconnect. */
  readonly installationId: string | undefined;
  readonly completeInCallback: boolean;
  readonly confirmPage?: boolean | undefined;
}

export interface InstallLink {
  readonly url: Secret;
  readonly expiresAt: Date;
}

/** A link that lets one person connect a platform, once. */
export type CreateInstallLink = (request: InstallLinkRequest, call: Call) => Promise<InstallLink>;

const defaultTtlMs = 600_000;
const maxTtlMs = 86_400_000;

/** The use case behind CreateInstallLink. Whoever has the link can begin one install with it. */
export function createCreateInstallLink(parts: {
  readonly links: LinkRepository;
  readonly installations: InstallationRepository;
  readonly platforms: Platforms;
  /** Where any link may lead back to. */
  readonly returnOrigins: ReturnOrigins;
  /** Where browsers begin. */
  readonly installPage: (product: string) => URL;
  readonly world: World;
}): CreateInstallLink {
  const { links, installations, platforms, returnOrigins, installPage, world } = parts;

  return async (request, call) => {
    const { platform: product, scopes, installationId } = request;
    call.access.check(product, request.owner);
    const platform = checkPlatform(product, platforms);
    const ttlMs = checkTtl(request.ttlMs);
    if (scopes.length > 0 && !platform.takesScopes) {
      throw invalidField("scopes", `cannot be chosen for ${product}: its app's registration has them`);
    }
    const reconnected = installationId === undefined ? undefined : await find(installationId, platform, call);
    const owner = ownerOf(request, reconnected);
    checkOwner(call.access, product, owner, request.completeInCallback);
    const awaitsOwner = owner !== undefined && !request.completeInCallback;
    const returnTo = checkReturnTo(request, awaitsOwner, originsOf(call.access, product, owner, returnOrigins));

    const secret = new Secret(world.random(32).toString("base64url"));
    const now = world.now();
    const expiresAt = new Date(now.getTime() + ttlMs);
    const { caller, policyHash } = call;
    const { confirmPage = false } = request;
    const facts = { caller, policyHash, product, scopes, installationId, awaitsOwner, confirmPage };
    const link = { platform: platform.name, owner, returnTo, expiresAt, facts };
    const row = { kind: "link.created" as const, platform: product, owner, installationId };
    await links.create(link, secret.fingerprint(), now, () => rowsOf(call, now, [row]));
    const url = installPage(product);
    url.searchParams.set("link", secret.reveal());
    return { url: new Secret(url.href), expiresAt };
  };

  async function find(id: string, platform: Platform, { access }: Call): Promise<Installation> {
    const found = await installations.find(id);
    if (found === undefined || found.status === "pending" || !seesAny(access, found)) {
      throw noInstallation(id);
    }
    if (found.platform !== platform.name) throw invalidField("installation_id", `is one of ${found.platform}`);
    if (found.status === "revoked") {
      throw new ServiceError("INSTALLATION_REVOKED", `installation ${id} was revoked: connect anew without naming it`);
    }
    return found;
  }
}

/** Reconnecting needs no owner named: it is the installation's. */
function ownerOf({ owner }: InstallLinkRequest, reconnected: Installation | undefined): string | undefined {
  if (reconnected === undefined || owner === undefined) return owner ?? reconnected?.owner;
  if (owner !== reconnected.owner) throw invalidField("owner", "is not the owner of the installation to reconnect");
  return owner;
}

/** What a caller may not see it may not have made either: installations without an owner, too. */
function checkOwner(access: Access, product: string, owner: string | undefined, completeInCallback: boolean): void {
  if (!access.sees(product, owner)) {
    throw new ServiceError("CALLER_NOT_ALLOWED", "the caller may not make links without one of its owners");
  }
  if (completeInCallback && !vouches(access, product, owner)) {
    throw new ServiceError("CALLER_NOT_ALLOWED", "the caller may not make links that complete in the callback");
  }
}

function checkTtl(ttlMs: number | undefined): number {
  if (ttlMs === undefined || ttlMs === 0) return defaultTtlMs;
  if (ttlMs < 0 || ttlMs > maxTtlMs) throw invalidField("ttl", "must be at most 24 hours");
  return ttlMs;
}

function checkReturnTo({ returnTo }: InstallLinkRequest, needed: boolean, allowed: ReturnOrigins): string | undefined {
  if (returnTo === undefined) {
    if (needed) throw invalidField("return_to", "is required with an owner: the completion code is brought there");
    return undefined;
  }
  const url = parseReturnTo(returnTo, allowed);
  if (url === undefined) throw invalidField("return_to", "must be an absolute URL whose origin is allowed");
  if (url.searchParams.has(completionParameter)) {
    throw invalidField("return_to", `must not have a ${completionParameter} of its own`);
  }
  return url.href;
}
