import { readFile } from "node:fs/promises";
import { beforeAll, describe, expect, test } from "vitest";
import { TokenService } from "../../gen/oauth/token/v1/token_service_pb.js";
import { parseCallerFile } from "../../src/callers/caller-file.ts";
import { findEntry } from "../../src/cli/commands.ts";
import { allSettings } from "../../src/config/all-settings.ts";
import { loadConfig } from "../../src/config/load-config.ts";
import { loadDatabaseConfig } from "../../src/config/load-parts.ts";
import { registry } from "../../src/platforms/registry.ts";
import { methodNames } from "../../src/rpc/rpc-names.ts";
import { knownNames, secretNames } from "../../src/settings/setting.ts";
import { fernetKey, pkcs8, filesOf as readerOf } from "../config/load.ts";
import { createAuthority } from "../support/certificates.ts";
import { startSite } from "../web/support/site.ts";
import { kustomize, type Manifest } from "./kustomize.ts";
import { type Container, environmentOf, filesOf, isWorkload, type Probe, workloadOf } from "./pods.ts";
import { unknownFields, validateManifest } from "./schemas.ts";

const platforms = ["github", "github-oauth", "jira", "slack", "sentry"];
const ids: Readonly<Record<string, string>> = {
  GITHUB_APP_ID: "1",
  GITHUB_APP_NAME: "app",
  GITHUB_CLIENT_ID: "id",
  GITHUB_OAUTH_CLIENT_ID: "id",
  JIRA_CLIENT_ID: "id",
  SLACK_CLIENT_ID: "id",
  SENTRY_INTEGRATION_SLUG: "slug",
  SENTRY_CLIENT_ID: "id",
};
const certificate = createAuthority().issue(["DNS:oauth-token-service.oauth-token-service.svc"]);
const url = (user: string) => `postgresql://${user}:password@db.example/tokens`;
/** What docs/kubernetes.md has an operator make. */
const secrets = {
  "oauth-token-service-keys": { token_encryption_key: fernetKey },
  "oauth-token-service-tls": { "tls.crt": certificate.cert, "tls.key": certificate.key, "ca.crt": certificate.cert },
  "oauth-token-service-database": { url: url("oauth_token_service") },
  "oauth-token-service-database-owner": { url: url("owner") },
  "oauth-token-service-github": { client_secret: "s", private_key: pkcs8, webhook_secret: "w" },
  "oauth-token-service-github-oauth": { client_secret: "s" },
  "oauth-token-service-jira": { client_secret: "s" },
  "oauth-token-service-slack": { client_secret: "s", signing_secret: "s" },
  "oauth-token-service-sentry": { client_secret: "s" },
};
const now = new Date("2026-12-01T00:00:00Z");

const builds: Readonly<Record<string, readonly Manifest[]>> = {
  postgres: await kustomize("overlays/postgres"),
  "postgres, every platform": await kustomize("overlays/postgres", platforms),
  "postgres, in a mesh": await kustomize("overlays/postgres", ["mesh"]),
  "single node": await kustomize("overlays/single-node"),
  "single node, every platform": await kustomize("overlays/single-node", platforms),
  "the migration": await kustomize("migrate"),
};
const named = Object.entries(builds);
const services = named.filter(([name]) => name !== "the migration");
const every = named.flatMap(([, manifests]) => manifests);

describe("the schemas of Kubernetes", () => {
  test.each(named)("take %s", (_name, manifests) => {
    for (const manifest of manifests) validateManifest(manifest);
    const keys = manifests.map(({ kind, metadata }) => `${kind} ${metadata.name}`);
    expect(new Set(keys).size).toBe(keys.length);
  });

  test("have every field, where they would let a misspelt one pass", async () => {
    expect(await unknownFields(every)).toBe("");
    const [first] = every.filter(isWorkload);
    const misspelt = { ...first, spec: { ...first?.spec, replica: 2 } } as unknown as Manifest;
    expect(() => validateManifest(misspelt)).not.toThrow();
    expect(await unknownFields([misspelt])).toContain("replica");
  });

  test("refuse what is wrong", () => {
    const [first] = every.filter(isWorkload);
    const wrong = { ...first, spec: { ...first?.spec, replicas: "two" } } as unknown as Manifest;
    expect(() => validateManifest(wrong)).toThrow(/replicas/);
  });

  test("every object is in the namespace that is made", () => {
    for (const { kind, metadata } of every) {
      if (kind === "Namespace") expect(metadata.name).toBe("oauth-token-service");
      else expect([kind, metadata.name, metadata.namespace]).toEqual([kind, metadata.name, "oauth-token-service"]);
    }
  });
});

describe.each(services)("%s", (name, manifests) => {
  const { workload, pod, container } = workloadOf(manifests, "Deployment");
  const env: Readonly<Record<string, string>> = {
    ...environmentOf(manifests, container),
    ...(name.endsWith("every platform") ? ids : {}),
  };
  const files = filesOf(manifests, pod, secrets);

  test("has settings that the service takes without a warning, and listens where it is asked", () => {
    const { config, warnings } = loadConfig(env, readerOf(files));
    expect(warnings).toEqual([]);
    expect(config.database.kind).toBe(name.startsWith("single node") ? "embedded" : "postgres");
    expect(config.notConfigured).toEqual(name.endsWith("every platform") ? [] : expect.any(Array));
    const ports = Object.fromEntries((container.ports ?? []).map((port) => [port.name, port.containerPort]));
    expect(ports).toEqual({
      "http-public": config.public.port,
      grpc: config.grpc.port,
      "https-internal": config.internal.port,
    });
    for (const { host } of [config.public, config.grpc, config.internal]) expect(host).toBe("0.0.0.0");
  });

  test("names settings that exist, and has each secret from a file", () => {
    const known = knownNames(allSettings);
    expect(Object.keys(env).filter((setting) => !known.has(setting))).toEqual([]);
    expect(Object.keys(env).filter((setting) => secretNames(allSettings).includes(setting))).toEqual([]);
    for (const [setting, path] of Object.entries(env).filter(([each]) => each.endsWith("_FILE")))
      expect([setting, Object.keys(files)]).toEqual([setting, expect.arrayContaining([path])]);
  });

  test("has a caller file that the service reads without a warning", () => {
    const bytes = Buffer.from(files[env.AUTH_CONFIG ?? ""] ?? "");
    const { productNames: products, narrowable, redact } = registry;
    const file = parseCallerFile(bytes, { rpcs: methodNames, products, narrowable, redact, now, name: "callers.yaml" });
    expect(file.warnings).toEqual([]);
    expect(file.callers.length).toBeGreaterThan(0);
  });

  test("is asked where it answers, by what it can speak", async () => {
    const site = await startSite();
    const probes = [container.startupProbe, container.readinessProbe, container.livenessProbe];
    for (const probe of probes) {
      if (probe?.httpGet !== undefined) {
        expect(probe.httpGet.port).toBe("http-public");
        expect([probe.httpGet.path, (await site.ask(probe.httpGet.path)).status]).toEqual([probe.httpGet.path, 200]);
      } else if (probe?.grpc !== undefined) {
        // Kubernetes' own speaks no TLS.
        expect([env.TLS_CERT_FILE, env.TLS_TERMINATED_BY_PROXY]).toEqual([undefined, "1"]);
        expect([probe.grpc.port, probe.grpc.service]).toEqual([50_051, TokenService.typeName]);
      } else {
        expectCommand(probe?.exec?.command);
      }
    }
    // Neither probe restarts or leaves out every replica in the time that a failover of the database takes.
    expect(container.livenessProbe?.httpGet?.path).toBe("/health");
    const { periodSeconds, failureThreshold } = container.readinessProbe as Probe;
    expect(periodSeconds * failureThreshold).toBeGreaterThanOrEqual(30);
    // Another replica may migrate for two minutes.
    const { startupProbe } = container;
    expect((startupProbe?.periodSeconds ?? 0) * (startupProbe?.failureThreshold ?? 0)).toBeGreaterThan(120);
  });

  test("has time to hear that it goes, to drain and to end", () => {
    const { config } = loadConfig(env, readerOf(files));
    const preStop = container.lifecycle?.preStop.sleep.seconds ?? 0;
    expect(preStop).toBeGreaterThanOrEqual(5);
    expect(pod.terminationGracePeriodSeconds).toBeGreaterThanOrEqual(preStop + config.drainSeconds + 10);
  });

  test("is reached through services that lead to it, by ports that it has", () => {
    const found = manifests.filter((manifest): manifest is ServiceManifest => manifest.kind === "Service");
    expect(found).toHaveLength(3);
    for (const { metadata, spec } of found) {
      expect(workload.spec.template.metadata.labels).toMatchObject(spec.selector);
      for (const { targetPort } of spec.ports) expect(portNames(container)).toContain(targetPort);
      expect(metadata.name.endsWith("-public")).toBe(spec.ports.some(({ targetPort }) => targetPort === "http-public"));
    }
  });

  test("lets callers alone to the internal listeners, and everybody to the public one", () => {
    const policies = manifests.filter((manifest): manifest is PolicyManifest => manifest.kind === "NetworkPolicy");
    const forService = policies.filter(({ spec }) => matches(spec.podSelector, workload.spec.template.metadata.labels));
    const open = forService.flatMap(({ spec }) => spec.ingress ?? []).filter((rule) => rule.from === undefined);
    expect(open).toEqual([{ ports: [{ protocol: "TCP", port: "http-public" }] }]);
    const rules = forService.flatMap(({ spec }) => spec.ingress ?? []);
    for (const { from, ports } of rules) {
      expect(ports?.length).toBeGreaterThan(0);
      for (const { port } of ports ?? []) expect(portNames(container)).toContain(port);
      // An empty selector is every namespace.
      for (const peer of from ?? []) expect(Object.keys(peer.namespaceSelector?.matchLabels ?? {})).not.toEqual([]);
    }
    expect(forService.some(({ spec }) => spec.policyTypes.length === 2 && spec.ingress === undefined)).toBe(true);
    for (const { to, ports } of forService.flatMap(({ spec }) => spec.egress ?? [])) {
      expect([to?.length, ports?.length]).toEqual([expect.any(Number), expect.any(Number)]);
      for (const { ipBlock } of to ?? [])
        if (ipBlock?.cidr === "0.0.0.0/0") expect(ipBlock.except).toEqual(expect.arrayContaining(["169.254.0.0/16"]));
    }
  });
});

describe("the pods", () => {
  const pods = every.filter(isWorkload);

  test.each(pods)("$kind $metadata.name runs without rights, and writes nowhere of its image", ({ spec }) => {
    const { spec: pod } = spec.template;
    expect(pod).toMatchObject({ automountServiceAccountToken: false, enableServiceLinks: false });
    expect(pod.securityContext).toMatchObject({
      runAsNonRoot: true,
      runAsUser: 1000,
      fsGroup: 1000,
      seccompProfile: { type: "RuntimeDefault" },
    });
    for (const container of pod.containers) {
      expect(container.securityContext).toEqual({
        allowPrivilegeEscalation: false,
        privileged: false,
        readOnlyRootFilesystem: true,
        capabilities: { drop: ["ALL"] },
      });
      expect(container.resources.limits.memory).toMatch(/i$/);
      expect(container.resources.requests).toEqual({ cpu: expect.any(String), memory: expect.any(String) });
      // Single files never change once they are mounted, and certificates and callers do.
      for (const mount of container.volumeMounts) expect(mount.subPath).toBeUndefined();
    }
    // Octal in one version of YAML is decimal in the other.
    for (const { secret, configMap } of pod.volumes)
      if (secret ?? configMap) expect((secret ?? configMap)?.defaultMode).toBe(0o440);
  });

  test("are of the version that this is", async () => {
    const { version } = JSON.parse(await readFile(new URL("../../package.json", import.meta.url), "utf8"));
    for (const { image } of pods.flatMap(({ spec }) => spec.template.spec.containers))
      expect(image).toBe(`registry.example/oauth-token-service:${version}`);
  });

  test("are spread and never all taken away, or one alone with a volume of its own", () => {
    const spread = workloadOf(builds.postgres ?? [], "Deployment");
    expect(spread.workload.spec.replicas).toBeGreaterThanOrEqual(2);
    expect(spread.workload.spec.strategy).toMatchObject({ rollingUpdate: { maxUnavailable: 0 } });
    expect(spread.pod.topologySpreadConstraints?.map(({ topologyKey }) => topologyKey)).toEqual([
      "topology.kubernetes.io/zone",
      "kubernetes.io/hostname",
    ]);
    const alone = workloadOf(builds["single node"] ?? [], "Deployment");
    expect(alone.workload.spec).toMatchObject({ replicas: 1, strategy: { type: "Recreate" } });
    expect(alone.workload.spec.strategy).not.toHaveProperty("rollingUpdate");
    const claim = builds["single node"]?.find(({ kind }) => kind === "PersistentVolumeClaim");
    expect(claim).toMatchObject({ spec: { accessModes: ["ReadWriteOncePod"] } });
    const mount = alone.container.volumeMounts.find(({ name }) => name === "data");
    expect(environmentOf(builds["single node"] ?? [], alone.container).DATA_DIR).toBe(`${mount?.mountPath}/data`);
    for (const manifests of [builds.postgres, builds["single node"]]) {
      const budget = manifests?.find(({ kind }) => kind === "PodDisruptionBudget");
      expect(budget).toMatchObject({ spec: { maxUnavailable: 1, unhealthyPodEvictionPolicy: "AlwaysAllow" } });
    }
  });
});

describe("the migration", () => {
  const manifests = builds["the migration"] ?? [];
  const { workload, pod, container } = workloadOf(manifests, "Job");

  test("runs a command that there is, by the owner, for the role of the service", () => {
    expectCommand(container.command);
    const config = loadDatabaseConfig(environmentOf(manifests, container), readerOf(filesOf(manifests, pod, secrets)));
    expect(config).toMatchObject({ kind: "postgres", target: { user: "owner" } });
    expect(container.command?.at(-1)).toBe("oauth_token_service");
    const service = workloadOf(builds.postgres ?? [], "Deployment");
    const files = filesOf(builds.postgres ?? [], service.pod, secrets);
    const env = environmentOf(builds.postgres ?? [], service.container);
    expect(loadDatabaseConfig(env, readerOf(files))).toMatchObject({ target: { user: "oauth_token_service" } });
    expect(Object.values(files).join()).not.toContain(url("owner"));
  });

  test("is no pod of the service, and leaves when it is done", () => {
    const { workload: service } = workloadOf(builds.postgres ?? [], "Deployment");
    const labels = workload.spec.template.metadata.labels;
    expect(labels).not.toMatchObject(service.spec.selector?.matchLabels ?? {});
    expect(workload.spec).toMatchObject({ ttlSecondsAfterFinished: expect.any(Number), backoffLimit: 3 });
  });
});

describe("Prometheus", () => {
  test("asks one service, by the path, the port and the name that it has", async () => {
    const manifests = builds.postgres ?? [];
    const monitor = manifests.find((manifest): manifest is MonitorManifest => manifest.kind === "ServiceMonitor");
    const chosen = manifests
      .filter((manifest): manifest is ServiceManifest => manifest.kind === "Service")
      .filter(({ metadata }) => matches(monitor?.spec.selector ?? { matchLabels: {} }, metadata.labels ?? {}));
    expect(chosen.map(({ metadata }) => metadata.name)).toEqual(["oauth-token-service"]);
    const [endpoint] = monitor?.spec.endpoints ?? [];
    expect(chosen[0]?.spec.ports.map(({ name }) => name)).toContain(endpoint?.port);
    expect(endpoint).toMatchObject({
      path: "/metrics",
      scheme: "https",
      tlsConfig: { serverName: "oauth-token-service.oauth-token-service.svc" },
    });
  });
});

let page: string;
beforeAll(async () => {
  page = await readFile(new URL("../../docs/kubernetes.md", import.meta.url), "utf8");
});

test("docs/kubernetes.md says how each secret is made, with each of its keys", () => {
  const used = every.filter(isWorkload).flatMap(({ spec }) => spec.template.spec.volumes);
  for (const name of used.flatMap(({ secret }) => (secret === undefined ? [] : [secret.secretName]))) {
    expect(page).toContain(`\`${name}\``);
    for (const key of Object.keys(secrets[name as keyof typeof secrets])) expect(page).toContain(`\`${key}\``);
  }
});

interface Labels {
  readonly matchLabels: Readonly<Record<string, string>>;
}
interface ServiceManifest extends Manifest {
  readonly spec: {
    readonly selector: Readonly<Record<string, string>>;
    readonly ports: readonly { readonly name: string; readonly targetPort: string }[];
  };
}
interface Peer {
  readonly namespaceSelector?: Partial<Labels>;
  readonly ipBlock?: { readonly cidr: string; readonly except?: readonly string[] };
}
type Ports = readonly { readonly port: string | number }[];
interface PolicyManifest extends Manifest {
  readonly spec: {
    readonly podSelector: Labels;
    readonly policyTypes: readonly string[];
    readonly ingress?: readonly { readonly from?: readonly Peer[]; readonly ports?: Ports }[];
    readonly egress?: readonly { readonly to?: readonly Peer[]; readonly ports?: Ports }[];
  };
}
interface MonitorManifest extends Manifest {
  readonly spec: { readonly selector: Labels; readonly endpoints: readonly { readonly port: string }[] };
}

function matches({ matchLabels }: Labels, labels: Readonly<Record<string, string>>): boolean {
  return Object.entries(matchLabels).every(([name, value]) => labels[name] === value);
}

function portNames({ ports = [] }: Container): readonly string[] {
  return ports.map(({ name }) => name);
}

/** The image has the commands on its path. */
function expectCommand(command: readonly string[] | undefined): void {
  const [program, ...words] = command ?? [];
  expect(program).toBe("oauth-token-service");
  const found = findEntry(words.slice(0, 1));
  expect([words[0], found]).toEqual([words[0], expect.anything()]);
  for (const option of words.filter((word) => word.startsWith("--")))
    expect(JSON.stringify(found)).toContain(option.slice(2));
}
