import { generateKeyPairSync, randomBytes } from "node:crypto";
import { create, fromJson, type JsonObject, toJson } from "@bufbuild/protobuf";
import { TokenService } from "../../gen/oauth/token/v1/token_service_pb.js";
import { createTestWorld } from "../../rig/world.ts";
import { wireUseCases } from "../../src/app/use-cases.ts";
import { createApiKey, hashOfApiKey } from "../../src/callers/api-key.ts";
import { createAuthenticator } from "../../src/callers/authenticator.ts";
import { parseCallerFile } from "../../src/callers/caller-file.ts";
import { createPolicy } from "../../src/callers/policy.ts";
import { loadConfig } from "../../src/config/load-config.ts";
import { anonymous } from "../../src/domain/access/caller.ts";
import { createRateLimiter } from "../../src/domain/access/rate-limiter.ts";
import { silentTelemetry } from "../../src/domain/model/telemetry.ts";
import { createGithub } from "../../src/platforms/github/github-app.ts";
import { registry } from "../../src/platforms/registry.ts";
import { type Codec, createDispatch, type DispatchParts } from "../../src/rpc/dispatch.ts";
import type { Failure } from "../../src/rpc/errors/failure.ts";
import { createProcedures } from "../../src/rpc/procedures.ts";
import { methodNames, type RequestOf, type ResponseOf, type UnaryName } from "../../src/rpc/rpc-names.ts";
import { Secret } from "../../src/secret.ts";
import { parseKeyRing } from "../../src/storage/seal/key-ring.ts";
import { createOpaqueTokens } from "../../src/storage/seal/opaque-tokens.ts";
import type { Storage } from "../../src/storage/storage.ts";
import { onlyPlatforms, scriptedPlatform, tokenSet } from "../support/scripted-platform.ts";
import { installations, platforms, type RawCaller, type RawInstallation } from "./cast.ts";
import { createFakeGithub, type FakeGithub } from "./fake-github.ts";

/** An answer as any door would carry it. */
export type Answer =
  | { readonly kind: "answered"; readonly body: JsonObject }
  | { readonly kind: "failed"; readonly failure: Failure };

/** The service from the proof of a caller to the platforms and the database, without a network. */
export interface Stage {
  readonly github: FakeGithub;
  /** The installation behind a key of the cast. @throws Error if there is none. */
  idOf(key: string): string;
  keyOf(id: string): string;
  /** Stores one more like it and gives its id. */
  copy(installation: RawInstallation): Promise<string>;
  /** Calls an RPC with a message in proto JSON, as a caller of the cast or with another `authorization`. */
  call(caller: string, rpc: UnaryName, request: JsonObject, authorization?: string): Promise<Answer>;
  /** What the doors are given. */
  readonly doors: DispatchParts;
  /** From here on these rules are in force. The callers keep their proofs. */
  use(cast: readonly RawCaller[]): void;
  /** The `authorization` of a caller. */
  proofOf(caller: string): string;
}

/** Puts the cast on a real database. */
export async function openStage(storage: Storage, cast: readonly RawCaller[]): Promise<Stage> {
  const world = createTestWorld();
  const github = createFakeGithub();
  const known = onlyPlatforms(
    createGithub({
      webhookMaxBytes: 1024,
      webUrl: "https://github.example",
      apiUrl: "https://api.github.example",
      clientId: "client",
      clientSecret: new Secret("secret"),
      appId: "1",
      slug: "app",
      privateKey: new Secret(
        generateKeyPairSync("rsa", { modulusLength: 2048 })
          .privateKey.export({ type: "pkcs8", format: "pem" })
          .toString(),
      ),
      installPath: "/apps",
      claimProof: "administers",
      webhookSecrets: [],
      issuer: "https://github.example/login/oauth",
      fetch: github.fetch,
      now: world.now,
    }),
    scriptedPlatform({ name: "slack", narrowing: false }),
    scriptedPlatform({
      name: "jira",
      products: ["jira", "confluence"],
      holder: "person",
      actors: ["user"],
      narrowing: false,
    }),
  );
  const { config } = loadConfig({ DATABASE_URL: "postgres://x@localhost/x", TOKEN_ENCRYPTION_KEY: newKey() }, () => {
    throw new Error("no setting names a file");
  });
  // The tests store links of nobody in the cast: that links outlive no policy is tested where they are used.
  const callerNow = () => anonymous;
  const { calls } = wireUseCases(config, world, { storage, platforms: known, telemetry: silentTelemetry, callerNow });
  const sealer = createOpaqueTokens({ keys: parseKeyRing(new Secret(newKey())), random: randomBytes, purpose: "page" });
  const keys = new Map(cast.map(({ name }) => [name, createApiKey(randomBytes).key.reveal()]));
  const policyOf = (all: readonly RawCaller[]) =>
    createPolicy(
      parseCallerFile(Buffer.from(fileOf(all, keys)), {
        rpcs: methodNames,
        products: platforms,
        narrowable: registry.narrowable,
        redact: registry.redact,
        now: world.now(),
        name: "callers",
      }),
    );
  const authenticator = createAuthenticator({
    policy: policyOf(cast),
    keysOf: () => {
      throw new Error("no caller has a token");
    },
    now: world.now,
  });
  const doors: DispatchParts = {
    ...world,
    procedures: createProcedures({ useCases: calls, sealer }),
    limiter: createRateLimiter(world),
    redact: registry.redact,
    authenticate: authenticator.authenticate,
  };
  const dispatch = createDispatch(doors);

  let serial = 0;
  const ids = new Map<string, string>();
  async function store(installation: RawInstallation, externalOrgId: string): Promise<string> {
    const { platform, products, owner, granted, revoked } = installation;
    const subject = `subject-${++serial}`;
    const isApp = platform === "github";
    if (isApp) github.install(subject, granted);
    const externalUserId = platform === "jira" ? `person-${serial}` : undefined;
    const [made] = await storage.installations.connect(
      {
        installations: [
          {
            products,
            externalOrgId,
            externalOrgName: externalOrgId,
            externalInstallId: isApp ? subject : undefined,
            externalUserId,
            scopes: [],
            permissions: granted,
            installedBy: undefined,
            metadata: {},
            suspended: false,
          },
        ],
        credentials: [
          {
            kind: isApp ? "app_installation" : "rotating",
            actor: platform === "jira" ? "user" : "app",
            subject,
            externalUserId,
            natural: true,
            tokens: isApp ? undefined : tokenSet({ value: `token-of-${externalOrgId}` }),
          },
        ],
      },
      { platform, holder: platform === "jira" ? "person" : "organization", owner, now: world.now() },
    );
    if (made === undefined) throw new Error("not connected");
    if (revoked) await storage.installations.beginRevocation(made.id, "over", world.now());
    return made.id;
  }
  for (const installation of installations) ids.set(installation.key, await store(installation, installation.key));
  const keysById = new Map([...ids].map(([key, id]) => [id, key]));

  const proofOf = (caller: string) => `Bearer ${find(keys, caller)}`;
  return {
    github,
    doors,
    proofOf,
    use: (next) => authenticator.use(policyOf(next)),
    idOf: (key) => find(ids, key),
    keyOf: (id) => find(keysById, id),
    copy: (installation) => store(installation, `${installation.key}-copy-${++serial}`),
    async call(caller, rpc, request, authorization = proofOf(caller)) {
      const outcome = await dispatch(rpc, codecOf(rpc), request, {
        address: "127.0.0.1",
        requestId: undefined,
        traceparent: undefined,
        timeoutMs: undefined,
        authorization,
        certificateNames: [],
      });
      return outcome.kind === "answered" ? { kind: "answered", body: outcome.response } : outcome;
    },
  };
}

/** JSON is YAML. */
function fileOf(cast: readonly RawCaller[], keys: ReadonlyMap<string, string>): string {
  const callers = cast.map(({ name, allow }) => ({
    name,
    match: { api_key: `sha256:${hashOfApiKey(find(keys, name)).toString("hex")}` },
    allow,
  }));
  return JSON.stringify({ version: 1, callers });
}

function codecOf<Name extends UnaryName>(rpc: Name): Codec<Name, JsonObject, JsonObject> {
  const { input, output } = TokenService.method[rpc];
  return {
    read: (request) => fromJson(input, request) as RequestOf<Name>,
    write: (response: ResponseOf<Name>) =>
      toJson(output, create(output, response as object), {
        useProtoFieldName: true,
        alwaysEmitImplicit: true,
      }) as JsonObject,
  };
}

function find(map: ReadonlyMap<string, string>, key: string): string {
  const found = map.get(key);
  if (found === undefined) throw new Error(`there is no ${key}`);
  return found;
}

function newKey(): string {
  return randomBytes(32).toString("base64url");
}
