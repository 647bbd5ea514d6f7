/** What one room of src may import. */
export interface Layer {
  /** Places whose files it may import: folders, with all that is in them, or files. `src/` alone: the files beside the folders. */
  readonly from: readonly string[];
  /** Packages, by what their name begins with. Node's own modules are open to all. */
  readonly packages?: readonly string[];
}

const ground = ["src/", "src/work"];
const model = [...ground, "src/domain/access", "src/domain/model"];
/** What there is to know of platforms without speaking with one. */
const platformList = ["registry", "create-registry", "module"].map((file) => `src/platforms/${file}.ts`);
const verbs = [...model, "src/domain/record", "src/domain/refreshing"];

/**
 * The order of src, inner rooms first: a room imports itself and what is named here, nothing beside or above it. A file
 * belongs to the longest place that it lies in, and there is none without a place.
 */
export const layers: Readonly<Record<string, Layer>> = {
  // Which version this is.
  "src/": { from: ["package.json"] },
  "src/main.ts": { from: ["src"] },
  "src/work": { from: ["src/"], packages: ["lru-cache"] },
  "src/tls": { from: ["src/"] },
  "src/world": { from: ["src/"], packages: ["pino", "undici"] },
  "src/settings": { from: ["src/secret.ts"] },
  "src/config": {
    from: [
      "src/secret.ts",
      "src/secret-shapes.ts",
      "src/postgres-target.ts",
      "src/settings",
      "src/tls",
      ...platformList,
    ],
  },

  "src/domain/access": { from: ground },
  "src/domain/model": { from: [...ground, "src/domain/access"] },
  "src/domain/record": { from: model },
  "src/domain/refreshing": { from: [...model, "src/domain/record"] },
  "src/domain/tokens": { from: verbs },
  "src/domain/connecting": { from: verbs, packages: ["lru-cache"] },
  "src/domain/flows": { from: [...model, "src/domain/connecting"] },
  "src/domain/installations": { from: [...verbs, "src/domain/tokens", "src/domain/connecting"] },
  "src/domain/links": { from: [...verbs, "src/domain/tokens", "src/domain/connecting", "src/domain/installations"] },
  "src/domain/webhooks": { from: [...model, "src/domain/tokens", "src/domain/connecting", "src/domain/installations"] },
  "src/domain/watching": { from: [...model, "src/domain/installations"] },
  "src/domain/reconciling": {
    from: [...verbs, "src/domain/tokens", "src/domain/connecting", "src/domain/installations"],
  },
  "src/domain/deliveries": { from: [...model, "src/domain/watching"] },
  "src/domain/health": { from: [...model, "src/domain/deliveries"] },
  "src/domain/": { from: [...ground, "src/domain"] },

  "src/platforms": { from: [...ground, "src/domain", "src/settings"], packages: ["jose"] },
  "src/storage": {
    from: [...ground, "src/domain"],
    packages: ["drizzle-orm", "postgres", "@electric-sql/", "lru-cache"],
  },
  "src/callers": { from: [...ground, "src/domain"], packages: ["jose", "lru-cache", "yaml"] },
  "src/telemetry": { from: [...ground, "src/domain"], packages: ["prom-client/", "@opentelemetry/"] },
  "src/web/": { from: [...ground, "src/domain", "src/tls"], packages: ["express"] },
  "src/web/browser": {
    from: [...ground, "src/domain", "src/web/", "src/rpc/json/json-calls.ts", "src/rpc/errors/codes.ts", "gen/browser"],
    packages: ["express"],
  },
  "src/web/internal": {
    from: [...ground, "src/domain", "src/web/", "src/rpc/json/json-calls.ts"],
    packages: ["express", "lru-cache"],
  },
  // A client of the RPCs, which happens to run here.
  "src/web/console": {
    from: [...ground, "src/domain", "src/web/", "src/rpc/json/json-calls.ts"],
    packages: ["express"],
  },
  "src/rpc": {
    from: [...ground, "src/domain", "src/tls", "gen"],
    packages: ["@grpc/", "@connectrpc/", "@bufbuild/", "lru-cache"],
  },

  "src/app": {
    from: ["settings", "config", "domain", "platforms", "storage", "callers", "telemetry", "web", "rpc", "tls"]
      .map((room) => `src/${room}`)
      .concat(ground),
  },
  "src/cli": { from: ["src/", "src/settings", "src/cli/commands"] },
  "src/cli/oauth-token-service.ts": { from: ["src/", "src/world", "src/cli"] },
  "src/cli/commands": {
    from: ["src/", "src/settings", "src/config", "src/storage", "src/callers", "src/cli", ...platformList],
  },
  "src/cli/commands/health.ts": {
    from: ["src/", "src/config", "src/tls", "src/cli", "gen"],
    packages: ["@grpc/", "@bufbuild/"],
  },
  "src/cli/commands/policy-test.ts": {
    from: ["src/", "src/config", "src/callers", "src/cli", "src/rpc/rpc-names.ts", ...platformList],
  },
  "src/cli/commands/doctor": {
    from: [
      ...[
        "src/",
        "src/settings",
        "src/config",
        "src/storage",
        "src/callers",
        "src/tls",
        "src/world",
        "src/app",
        "src/cli",
      ],
      ...platformList,
      "src/rpc/rpc-names.ts",
    ],
  },
  "src/cli/commands/installations": { from: ["src/", "src/cli", "src/rpc/json/installation-json.ts"] },
  "src/cli/commands/operating.ts": { from: ["src/", "src/config", "src/storage", "src/app", "src/cli", "src/world"] },
};

/**
 * The folders beside src, and the places that each may import from. What more than one of them needs is in `rig`, so that
 * none reaches into another. A file belongs to the longest place, as above.
 */
export const houses: Readonly<Record<string, readonly string[]>> = {
  bin: ["src"],
  // It is published by itself: of this repository it may take what was generated from the contract, nothing of the service.
  client: ["gen"],
  rig: ["src"],
  sandbox: [],
  "sandbox/demo-settings.ts": ["src"],
  scripts: ["src", "rig"],
  test: ["src", "bin", "client", "rig", "sandbox", "scripts"],
  bench: ["src", "client", "rig", "sandbox", "scripts"],
  chaos: ["src", "rig", "sandbox"],
  fuzz: ["src", "rig"],
};

/** Folders whose code is not ours, or made from it: nobody looks into them. */
export const notOurs: readonly string[] = ["node_modules", "gen", "dist", "data", "coverage"];
