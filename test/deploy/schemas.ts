import { spawn } from "node:child_process";
import { mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { PrometheusRule } from "@kubernetes-models/prometheus-operator/monitoring.coreos.com/v1/PrometheusRule";
import { ServiceMonitor } from "@kubernetes-models/prometheus-operator/monitoring.coreos.com/v1/ServiceMonitor";
import { Deployment } from "kubernetes-models/apps/v1/Deployment";
import { Job } from "kubernetes-models/batch/v1/Job";
import { NetworkPolicy } from "kubernetes-models/networking.k8s.io/v1/NetworkPolicy";
import { PodDisruptionBudget } from "kubernetes-models/policy/v1/PodDisruptionBudget";
import { ConfigMap } from "kubernetes-models/v1/ConfigMap";
import { Namespace } from "kubernetes-models/v1/Namespace";
import { PersistentVolumeClaim } from "kubernetes-models/v1/PersistentVolumeClaim";
import { Service } from "kubernetes-models/v1/Service";
import { ServiceAccount } from "kubernetes-models/v1/ServiceAccount";
import type { Manifest } from "./kustomize.ts";

/** The models of Kubernetes' own schemas, by `apiVersion` and `kind`, and where their types are. */
const models: Readonly<Record<string, readonly [model: new (data: never) => { validate(): void }, from: string]>> = {
  "apps/v1 Deployment": [Deployment, "kubernetes-models/apps/v1/Deployment"],
  "batch/v1 Job": [Job, "kubernetes-models/batch/v1/Job"],
  "networking.k8s.io/v1 NetworkPolicy": [NetworkPolicy, "kubernetes-models/networking.k8s.io/v1/NetworkPolicy"],
  "policy/v1 PodDisruptionBudget": [PodDisruptionBudget, "kubernetes-models/policy/v1/PodDisruptionBudget"],
  "v1 ConfigMap": [ConfigMap, "kubernetes-models/v1/ConfigMap"],
  "v1 Namespace": [Namespace, "kubernetes-models/v1/Namespace"],
  "v1 PersistentVolumeClaim": [PersistentVolumeClaim, "kubernetes-models/v1/PersistentVolumeClaim"],
  "v1 Service": [Service, "kubernetes-models/v1/Service"],
  "v1 ServiceAccount": [ServiceAccount, "kubernetes-models/v1/ServiceAccount"],
  "monitoring.coreos.com/v1 PrometheusRule": [
    PrometheusRule,
    "@kubernetes-models/prometheus-operator/monitoring.coreos.com/v1/PrometheusRule",
  ],
  "monitoring.coreos.com/v1 ServiceMonitor": [
    ServiceMonitor,
    "@kubernetes-models/prometheus-operator/monitoring.coreos.com/v1/ServiceMonitor",
  ],
};

function modelOf({ apiVersion, kind }: Manifest) {
  const found = models[`${apiVersion} ${kind}`];
  if (found === undefined) throw new Error(`there is no schema here for ${kind} of ${apiVersion}`);
  return found;
}

/** @throws Error that says what its schema does not take. */
export function validateManifest(manifest: Manifest): void {
  const [Model] = modelOf(manifest);
  new Model(manifest as never).validate();
}

/**
 * Fields that Kubernetes does not know, which its schemas let pass: the compiler holds each manifest against the types made
 * from them. What it says, empty where there are none.
 */
export async function unknownFields(manifests: readonly Manifest[]): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "oauth-token-service-manifests-"));
  try {
    const lines = manifests.map((manifest, index) => {
      const name = `I${manifest.kind}`;
      const from = JSON.stringify(modelOf(manifest)[1]);
      return `import type { ${name} as T${index} } from ${from};\nexport const m${index}: T${index} = ${JSON.stringify(manifest)};`;
    });
    await writeFile(join(folder, "manifests.mts"), lines.join("\n"));
    const node_modules = fileURLToPath(new URL("../../node_modules", import.meta.url));
    await symlink(node_modules, join(folder, "node_modules"));
    const compilerOptions = { strict: true, noEmit: true, module: "nodenext", skipLibCheck: true, types: [] };
    await writeFile(join(folder, "tsconfig.json"), JSON.stringify({ compilerOptions, files: ["manifests.mts"] }));
    return await compile(join(node_modules, ".bin", "tsc"), folder);
  } finally {
    await rm(folder, { recursive: true });
  }
}

function compile(tsc: string, folder: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = spawn(tsc, ["-p", folder], { stdio: ["ignore", "pipe", "inherit"] });
    let said = "";
    child.stdout.setEncoding("utf8").on("data", (chunk: string) => {
      said += chunk;
    });
    child.on("error", reject);
    child.on("close", (code) => resolve(code === 0 ? "" : said || `tsc ended with ${code}`));
  });
}
