import { readFile, stat } from "node:fs/promises";
import { parseEnv } from "node:util";
import { parse, parseAllDocuments } from "yaml";
import { applyPatch, type Operation } from "./json-patch.ts";

const root = new URL("../../deploy/kubernetes/", import.meta.url);

/** An object of Kubernetes, as it would be applied. */
export interface Manifest {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: {
    readonly name: string;
    readonly namespace?: string;
    readonly labels?: Readonly<Record<string, string>>;
    readonly annotations?: Readonly<Record<string, string>>;
  };
}

interface Kustomization {
  readonly apiVersion: string;
  readonly kind: "Kustomization" | "Component";
  readonly resources?: readonly string[];
  readonly components?: readonly string[];
  readonly configMapGenerator?: readonly {
    readonly name: string;
    readonly namespace: string;
    readonly envs?: readonly string[];
    readonly files?: readonly string[];
    readonly options?: object;
  }[];
  readonly images?: readonly { readonly name: string; readonly newName: string; readonly newTag: string }[];
  readonly patches?: readonly {
    readonly target: { readonly kind: string; readonly name: string };
    readonly patch: string;
  }[];
}

const understood = ["apiVersion", "kind", "resources", "components", "configMapGenerator", "images", "patches"];

/**
 * What `kubectl kustomize` makes of a folder below deploy/kubernetes, with further components of ours. Of Kustomize only
 * what these folders use; names of generated maps have no hash.
 */
export async function kustomize(folder: string, components: readonly string[] = []): Promise<readonly Manifest[]> {
  const manifests = await accumulate(new URL(`${folder}/`, root), []);
  for (const name of components) await accumulate(new URL(`components/${name}/`, root), manifests);
  return manifests;
}

async function accumulate(folder: URL, manifests: Manifest[]): Promise<Manifest[]> {
  const text = await readFile(new URL("kustomization.yaml", folder), "utf8");
  const kustomization = parse(text) as Kustomization;
  const unknown = Object.keys(kustomization).filter((key) => !understood.includes(key));
  if (unknown.length > 0) throw new Error(`${folder.pathname}: not understood here: ${unknown.join(", ")}`);
  for (const resource of kustomization.resources ?? []) {
    const place = new URL(resource, folder);
    if ((await stat(place)).isDirectory()) await accumulate(new URL(`${resource}/`, folder), manifests);
    else manifests.push(...(await documentsIn(place)));
  }
  for (const component of kustomization.components ?? []) await accumulate(new URL(`${component}/`, folder), manifests);
  for (const { name, namespace, envs = [], files = [] } of kustomization.configMapGenerator ?? []) {
    const data: NodeJS.Dict<string> = {};
    for (const file of envs) Object.assign(data, parseEnv(await readFile(new URL(file, folder), "utf8")));
    for (const file of files) data[file] = await readFile(new URL(file, folder), "utf8");
    manifests.push({ apiVersion: "v1", kind: "ConfigMap", metadata: { name, namespace }, ...{ data } });
  }
  for (const { target, patch } of kustomization.patches ?? []) {
    const operations = parse(patch) as readonly Operation[];
    for (const manifest of manifests) {
      if (manifest.kind === target.kind && manifest.metadata.name === target.name) applyPatch(manifest, operations);
    }
  }
  for (const { name, newName, newTag } of kustomization.images ?? []) {
    for (const container of manifests.flatMap(containersOf))
      if (container.image === name) container.image = `${newName}:${newTag}`;
  }
  return manifests;
}

async function documentsIn(file: URL): Promise<readonly Manifest[]> {
  return parseAllDocuments(await readFile(file, "utf8")).map((document) => {
    if (document.errors.length > 0) throw new Error(`${file.pathname}: ${document.errors[0]?.message}`);
    return document.toJS() as Manifest;
  });
}

interface Workload {
  readonly spec?: { readonly template?: { readonly spec?: { readonly containers?: { image: string }[] } } };
}

function containersOf(manifest: Manifest & Workload): { image: string }[] {
  return manifest.spec?.template?.spec?.containers ?? [];
}
