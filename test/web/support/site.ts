import { randomBytes } from "node:crypto";
import { afterEach } from "vitest";
import { createTestWorld, type TestWorld } from "../../../rig/world.ts";
import type {
  FinishInstall,
  StartedAttempt,
  StartInstall,
  StartRequest,
} from "../../../src/domain/connecting/browser-flow.ts";
import type { Installation } from "../../../src/domain/model/installation.ts";
import { createPlatforms } from "../../../src/platforms/platforms.ts";
import { registry } from "../../../src/platforms/registry.ts";
import { Secret } from "../../../src/secret.ts";
import { generateKey, parseKeyRing } from "../../../src/storage/seal/key-ring.ts";
import { createOpaqueTokens } from "../../../src/storage/seal/opaque-tokens.ts";
import { createPublicApp, type PublicAppOptions } from "../../../src/web/browser/public-app.ts";
import { createClientAddress } from "../../../src/web/client-address.ts";
import { listen } from "../../../src/web/listen.ts";
import { type Answer, type Asked, ask } from "./http.ts";
import { memoryLinks } from "./memory-links.ts";

export interface Site {
  readonly port: number;
  readonly baseUrl: URL;
  readonly world: TestWorld;
  /** What `startInstall` was asked for. */
  readonly starts: StartRequest[];
  /** A request that names the base URL's host unless `headers` says otherwise. */
  ask(path: string, asked?: Asked): Promise<Answer>;
  /** The same, and on to where the result is shown, with the cookies that came with it. */
  show(path: string, asked?: Asked): Promise<Answer>;
}

const labels = new Map(registry.products.map(({ name, label }) => [name, label]));
const closers: (() => Promise<void>)[] = [];

afterEach(async () => {
  for (const close of closers.splice(0)) await close();
});

/** The public app on a port of its own, in front of a platform that is only a URL; closed after the test. */
export async function startSite(options: Partial<PublicAppOptions> = {}): Promise<Site> {
  const world = createTestWorld();
  const starts: StartRequest[] = [];
  const links = memoryLinks(world.now());
  let app: ReturnType<typeof createPublicApp> | undefined;
  const listener = await listen((request, response) => app?.(request, response), { host: "127.0.0.1", port: 0 });
  closers.push(() => listener.close(0));
  const baseUrl = options.baseUrl ?? new URL(`http://localhost:${listener.port}`);
  const startInstall: StartInstall = async (request) => {
    starts.push(request);
    return startedAttempt(`state-${starts.length}`);
  };
  const connected: Installation[] = [];
  const finishInstall: FinishInstall = async (request) => {
    const outcome = await (options.finishInstall ?? connects())(request);
    if (outcome.kind === "connected") connected.push(...outcome.installations);
    return outcome;
  };
  app = createPublicApp({
    ...world,
    baseUrl,
    installMode: "open",
    installPageUrl: undefined,
    allowedReturnOrigins: [baseUrl.origin, "https://portal.example"],
    platformLabel: (product) => labels.get(product),
    startInstall,
    startFromLink: async () => ({ kind: "refused", failure: "link_required" }),
    beginFlow: async () => true,
    tellFlow: async () => undefined,
    flowWatch: {
      look: async () => "unknown",
      next: async (_hash, seen) => seen,
      close: async () => "unknown",
    },
    leaving: new AbortController().signal,
    platforms: createPlatforms([], []),
    readiness: () => "ok",
    receiveDelivery: async () => ({ kind: "accepted" }),
    addressOf: createClientAddress([]),
    rateLimits: { count: async () => 0 },
    links,
    startLink: links.startLink,
    admitRevoker: undefined,
    resultSealer: resultSealerOf(generateKey(world.random)),
    findInstallations: async (ids) => connected.filter(({ id }) => ids.includes(id)),
    ...options,
    finishInstall,
  });
  const askHere: Site["ask"] = (path, asked) =>
    ask(listener.port, path, { ...asked, headers: { host: baseUrl.host, ...asked?.headers } });
  return {
    port: listener.port,
    baseUrl,
    world,
    starts,
    ask: askHere,
    async show(path, asked) {
      const told = await askHere(path, asked);
      if (told.status !== 303) throw new Error(`${path} answered ${told.status}, and told nobody where to look`);
      const headers = { ...asked?.headers, cookie: [asked?.headers?.cookie ?? [], cookiesOf(told)].flat().join("; ") };
      return askHere(resultOf(told), { headers });
    },
  };
}

/** Seals results with this key. */
export function resultSealerOf(key: Secret) {
  return createOpaqueTokens({ keys: parseKeyRing(key), random: randomBytes, purpose: "result" });
}

/** Where a callback says that its result is shown. */
export function resultOf({ headers }: Answer): string {
  return new URL(headers.location ?? "").pathname;
}

/** What a browser sends of what it was just given. */
export function cookiesOf({ setCookies }: Answer): readonly string[] {
  return setCookies.flatMap((line) => (line.includes("Max-Age=0") ? [] : [line.split(";")[0] ?? ""]));
}

/** An attempt whose cookie is named after its state. */
export function startedAttempt(state: string): StartedAttempt {
  return {
    redirectTo: new URL(`https://platform.example/authorize?state=${state}`),
    binding: { name: `n-${state}`, value: new Secret(`browser-of-${state}`), maxAgeSeconds: 600 },
  };
}

/** Finishes an attempt of `startedAttempt` in the browser that started it, and refuses every other browser. */
export function connects(installations: readonly Installation[] = [installation()], returnTo?: string): FinishInstall {
  return async ({ query, binding, platform }) => {
    const state = query.get("state") ?? "";
    if (binding(`n-${state}`) !== `browser-of-${state}`) {
      return { kind: "failed", failure: "state_other_browser", platform };
    }
    return { kind: "connected", installations, returnTo, fromLink: false, bindingName: `n-${state}` };
  };
}

export function installation(known: Partial<Installation> = {}): Installation {
  const at = new Date("2026-03-01T12:00:00.500Z");
  return {
    id: "0195e3a0-0000-7000-8000-000000000001",
    platform: "slack",
    products: ["slack"],
    status: "active",
    owner: undefined,
    externalOrgId: "T1",
    externalOrgName: "Acme",
    externalInstallId: undefined,
    externalUserId: undefined,
    scopes: ["chat:write"],
    permissions: {},
    installedBy: undefined,
    metadata: {},
    webhook: undefined,
    tokenExpiresAt: undefined,
    lastRefreshedAt: undefined,
    lastError: undefined,
    lastUsedAt: undefined,
    createdAt: at,
    updatedAt: at,
    revokedAt: undefined,
    ...known,
  };
}
