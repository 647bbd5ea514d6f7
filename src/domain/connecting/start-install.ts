import { createHash } from "node:crypto";
import { Secret } from "../../secret.ts";
import type { World } from "../../world.ts";
import type { Platform } from "../model/platform.ts";
import { checkPlatform, type Platforms } from "../model/platforms.ts";
import type { AttemptRepository } from "./attempt.ts";
import type { StartedAttempt, StartInstall } from "./browser-flow.ts";
import type { LinkFacts } from "./install-link.ts";
import { codeChallenge } from "./pkce.ts";
import type { TellFlow } from "./tell-flow.ts";

/** How long a person has to finish at the platform. */
export const attemptSeconds = 600;
/** The same for all legs of an attempt together: what came to be since it began may be taken for its own. */
const flowSeconds = 2 * attemptSeconds;

/** One leg of a browser flow: the first, or a further one for which a hint is remembered. */
export interface Leg {
  readonly platform: Platform;
  readonly owner: string | undefined;
  readonly returnTo: string | undefined;
  readonly hint: string | undefined;
  /** How long ago the first leg began; 0: this is the first. */
  readonly ageMs?: number | undefined;
  /** Undefined where the flow began without a link. */
  readonly link?: LinkFacts | undefined;
  /** The flow that a product's page watches, hashed. */
  readonly flow?: string | undefined;
}

export type StartLeg = (leg: Leg) => Promise<StartedAttempt>;

/** Makes the state, the browser binding and the verifier, and stores what proves them: hashes, and the verifier sealed. */
export function createStartLeg(parts: {
  readonly attempts: AttemptRepository;
  readonly tellFlow: TellFlow;
  readonly world: World;
  readonly redirectUri: (platform: Platform) => string;
}): StartLeg {
  const { attempts, tellFlow, world, redirectUri } = parts;
  const secret = () => new Secret(world.random(32).toString("base64url"));

  return async ({ platform, owner, returnTo, hint, ageMs = 0, link, flow }) => {
    const state = secret();
    const browser = secret();
    const codeVerifier = platform.usesPkce(hint) ? secret() : undefined;
    const seconds = Math.ceil(Math.min(attemptSeconds, flowSeconds - ageMs / 1000));
    const expiresAt = new Date(world.now().getTime() + seconds * 1000);
    await attempts.create(
      {
        id: world.random(16).toString("hex"),
        platform: platform.name,
        owner,
        returnTo,
        codeVerifier,
        hint,
        expiresAt,
        ageMs,
        link,
        flow,
      },
      { stateHash: sha256(state.reveal()), browserHash: sha256(browser.reveal()) },
    );
    await tellFlow(flow, { state: "at_platform", returnTo });
    const redirectTo = platform.authorizationUrl({
      state: state.reveal(),
      codeChallenge: codeVerifier && codeChallenge(codeVerifier),
      redirectUri: redirectUri(platform),
      hint,
      extraScopes: link?.scopes,
    });
    const binding = { name: bindingName(sha256(state.reveal())), value: browser, maxAgeSeconds: seconds };
    return { redirectTo, binding };
  };
}

/** The use case behind `/oauth/install/{platform}`. */
export function createStartInstall(platforms: Platforms, startLeg: StartLeg, world: World): StartInstall {
  return async ({ platform: name, owner, returnTo, flow }) => {
    const platform = checkPlatform(name, platforms);
    const started = await startLeg({ platform, owner, returnTo, hint: undefined, flow });
    world.log.info({ platform: platform.name }, "install.started");
    return started;
  };
}

/** The name of the cookie that binds a state to its browser. Reveals nothing of the state. */
export function bindingName(stateHash: string): string {
  return stateHash.slice(0, 16);
}

/** Lowercase hex. States and bindings are random enough that a plain hash keeps them. */
export function sha256(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}
