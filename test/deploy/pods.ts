import type { Manifest } from "./kustomize.ts";

export interface Container {
  readonly name: string;
  readonly image: string;
  readonly command?: readonly string[];
  readonly ports?: readonly { readonly name: string; readonly containerPort: number }[];
  readonly env?: readonly { readonly name: string; readonly value: string }[];
  readonly envFrom?: readonly { readonly configMapRef: { readonly name: string } }[];
  readonly startupProbe?: Probe;
  readonly readinessProbe?: Probe;
  readonly livenessProbe?: Probe;
  readonly lifecycle?: { readonly preStop: { readonly sleep: { readonly seconds: number } } };
  readonly resources: Readonly<Record<"requests" | "limits", Readonly<Record<string, string>>>>;
  readonly securityContext: object;
  readonly volumeMounts: readonly {
    readonly name: string;
    readonly mountPath: string;
    readonly subPath?: string;
    readonly readOnly?: boolean;
  }[];
}

export interface Probe {
  readonly exec?: { readonly command: readonly string[] };
  readonly httpGet?: { readonly path: string; readonly port: string };
  readonly grpc?: { readonly port: number; readonly service: string };
  readonly periodSeconds: number;
  readonly failureThreshold: number;
}

export interface Volume {
  readonly name: string;
  readonly secret?: { readonly secretName: string; readonly defaultMode: number };
  readonly configMap?: { readonly name: string; readonly defaultMode: number };
  readonly persistentVolumeClaim?: { readonly claimName: string };
}

export interface PodSpec {
  readonly enableServiceLinks: boolean;
  readonly automountServiceAccountToken: boolean;
  readonly terminationGracePeriodSeconds: number;
  readonly securityContext: object;
  readonly topologySpreadConstraints?: readonly { readonly topologyKey: string }[];
  readonly containers: readonly Container[];
  readonly volumes: readonly Volume[];
}

export interface Workload extends Manifest {
  readonly spec: {
    readonly replicas?: number;
    readonly strategy?: object;
    readonly selector?: { readonly matchLabels: Readonly<Record<string, string>> };
    readonly template: {
      readonly metadata: { readonly labels: Readonly<Record<string, string>> };
      readonly spec: PodSpec;
    };
  };
}

export const isWorkload = (manifest: Manifest): manifest is Workload =>
  manifest.kind === "Deployment" || manifest.kind === "Job";

/** The only workload of a kind, and its container. */
export function workloadOf(manifests: readonly Manifest[], kind: "Deployment" | "Job") {
  const [workload, ...others] = manifests.filter(isWorkload).filter((manifest) => manifest.kind === kind);
  const [container, ...beside] = workload?.spec.template.spec.containers ?? [];
  if (workload === undefined || container === undefined || others.length + beside.length > 0)
    throw new Error(`there is not one ${kind} with one container`);
  return { workload, pod: workload.spec.template.spec, container };
}

/** What the process finds in its environment: of the maps, then of the container itself. */
export function environmentOf(manifests: readonly Manifest[], container: Container): Readonly<Record<string, string>> {
  const env: Record<string, string> = {};
  for (const { configMapRef } of container.envFrom ?? []) Object.assign(env, mapOf(manifests, configMapRef.name));
  for (const { name, value } of container.env ?? []) env[name] = value;
  return env;
}

/** The files that a container finds, of maps and of these secrets, by their paths. */
export function filesOf(
  manifests: readonly Manifest[],
  pod: PodSpec,
  secrets: Readonly<Record<string, Readonly<Record<string, string>>>>,
): Readonly<Record<string, string>> {
  const files: Record<string, string> = {};
  for (const { name, mountPath } of pod.containers.flatMap((container) => container.volumeMounts)) {
    const volume = pod.volumes.find((one) => one.name === name);
    if (volume === undefined) throw new Error(`there is no volume ${name}`);
    const { secret, configMap } = volume;
    const found = secret === undefined ? configMap && mapOf(manifests, configMap.name) : secrets[secret.secretName];
    if (found === undefined && secret !== undefined) throw new Error(`nobody makes the secret ${secret.secretName}`);
    for (const [key, text] of Object.entries(found ?? {})) files[`${mountPath}/${key}`] = text;
  }
  return files;
}

function mapOf(manifests: readonly Manifest[], name: string): Readonly<Record<string, string>> {
  const map = manifests.find((manifest) => manifest.kind === "ConfigMap" && manifest.metadata.name === name);
  if (map === undefined) throw new Error(`there is no ConfigMap ${name}`);
  return (map as Manifest & { readonly data: Readonly<Record<string, string>> }).data;
}
