import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { expect, test } from "vitest";
import { parseAllDocuments } from "yaml";
import { kustomize, type Manifest } from "../deploy/kustomize.ts";

const run = promisify(execFile);

test.each(["overlays/postgres", "overlays/single-node", "migrate"])(
  "kubectl kustomize makes of %s what the tests look at",
  async (folder) => {
    const path = fileURLToPath(new URL(`../../deploy/kubernetes/${folder}`, import.meta.url));
    const { stdout } = await run("kubectl", ["kustomize", path]);
    // Names of generated maps end in a hash of what is in them.
    const text = stdout.replaceAll(/(oauth-token-service-settings)-[a-z\d]{10}\b/g, "$1");
    const built = parseAllDocuments(text).map((document) => document.toJS() as Manifest);
    expect(sorted(built)).toEqual(sorted(await kustomize(folder)));
  },
);

function sorted(manifests: readonly Manifest[]): readonly Manifest[] {
  const key = ({ kind, metadata }: Manifest) => `${kind} ${metadata.name}`;
  return manifests.toSorted((a, b) => key(a).localeCompare(key(b)));
}
