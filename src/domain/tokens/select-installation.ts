import { invalidField, ServiceError } from "../../errors.ts";
import { shows, type Visibility } from "../access/access.ts";
import type { Actor, Credential } from "../model/credential.ts";
import type { InstallationRepository, Selection, Selector } from "../model/installation-repository.ts";
import { installationNotFound } from "../model/not-found.ts";
import type { Platform } from "../model/platform.ts";
import { checkPlatform, notConfigured, type Platforms } from "../model/platforms.ts";

/** One more than the ids an ambiguity names. */
const lookAhead = 11;

/** Where a person connects a platform, if the service can say. */
export type InstallUrl = (platform: string, owner: string | undefined) => string | undefined;

export interface Selected {
  readonly installation: Selection["installation"];
  readonly credential: Credential;
  readonly platform: Platform;
  /** The platform name the token is asked for by, or else the first one that is visible: decides `api_base_url`. */
  readonly product: string;
}

/**
 * Finds the one installation and credential a selector names among those that are visible, in one statement, or says
 * why there is none.
 */
export function createSelectInstallation(parts: {
  readonly installations: InstallationRepository;
  readonly platforms: Platforms;
  readonly installUrl: InstallUrl;
}): (selector: Selector, visible: Visibility) => Promise<Selected> {
  const { installations, platforms, installUrl } = parts;

  return async (selector, visible) => {
    checkRequest(selector, platforms);
    const found = await installations.select(selector, visible, lookAhead);
    const first = found[0];
    if (first === undefined) throw notFound(selector, installUrl);
    const { installation } = first;
    const others = new Set(found.map((selection) => selection.installation.id));
    if (others.size > 1) throw ambiguous([...others]);
    if (installation.status === "revoked") {
      throw new ServiceError("INSTALLATION_REVOKED", `installation ${installation.id} was revoked`);
    }
    const platform = platforms.byName(installation.platform);
    if (platform === undefined) throw notConfigured(installation.platform);
    if (selector.actor !== undefined) checkActor(platform, selector.actor);
    if (found.length > 1) throw ambiguousPerson(found);
    const product = selector.platform ?? visibleProduct(installation, visible);
    if (first.withheld !== undefined) throw withheld(first.withheld, product, installation, installUrl);
    if (first.credential === undefined && installation.status === "reauthorization_required") {
      throw reauthorizationRequired(product, installUrl(product, installation.owner));
    }
    if (first.credential === undefined || installation.status === "pending") {
      throw notFound(selector, installUrl);
    }
    return { installation, credential: first.credential, platform, product };
  };
}

/** Also for what a caller asks the platform itself about: only its answer to what it told counts. */
function withheld(
  what: NonNullable<Selection["withheld"]>,
  product: string,
  { id, owner }: Selected["installation"],
  installUrl: InstallUrl,
): ServiceError {
  if (what === "grant") return reauthorizationRequired(product, installUrl(product, owner));
  const message = `${product} says that installation ${id} was suspended or removed, and is being asked`;
  return new ServiceError("INSTALLATION_SUSPENDED", message);
}

function visibleProduct({ products, platform, owner }: Selected["installation"], visible: Visibility): string {
  return products.find((product) => shows(visible, product, owner)) ?? platform;
}

function checkRequest(selector: Selector, platforms: Platforms): void {
  if (selector.platform === undefined) {
    if (selector.installationId === undefined) throw invalidField("platform", "name a platform or an installation_id");
    return;
  }
  const platform = checkPlatform(selector.platform, platforms);
  if (selector.actor !== undefined) checkActor(platform, selector.actor);
}

function checkActor(platform: Platform, actor: Actor): void {
  if (platform.actors.includes(actor)) return;
  throw invalidField("actor", `${platform.name} has no tokens of ${actor === "user" ? "ACTOR_USER" : "ACTOR_APP"}`);
}

/** The refusal that a person can end by connecting again. */
export function reauthorizationRequired(product: string, installUrl: string | undefined): ServiceError {
  const metadata = { platform: product, ...(installUrl === undefined ? {} : { install_url: installUrl }) };
  return new ServiceError("REAUTHORIZATION_REQUIRED", `${product} has to be connected again`, { metadata });
}

/** Nothing that may be seen matches. */
export function notFound(selector: Selector, installUrl: InstallUrl): ServiceError {
  const url = selector.platform === undefined ? undefined : installUrl(selector.platform, selector.owner);
  const metadata = url === undefined ? {} : { install_url: url };
  return installationNotFound("no installation matches the selector", metadata);
}

function ambiguous(ids: readonly string[]): ServiceError {
  const named = ids.slice(0, lookAhead - 1);
  return new ServiceError("INSTALLATION_AMBIGUOUS", "several installations match: name one by installation_id", {
    metadata: { installation_ids: named.join(","), truncated: String(named.length < ids.length) },
  });
}

function ambiguousPerson(found: readonly Selection[]): ServiceError {
  const people = found.map((selection) => selection.credential?.externalUserId ?? "");
  return new ServiceError("INSTALLATION_AMBIGUOUS", "several people of it connected: name one by external_user_id", {
    metadata: { external_user_ids: people.slice(0, lookAhead - 1).join(",") },
  });
}
