import { type LockedPackage, readLockedPackages } from "./locked-packages.ts";
import { readTool } from "./run-tool.ts";

/** The parts of a CycloneDX document that are touched here. */
export interface Sbom {
  readonly specVersion: string;
  readonly metadata: { readonly component: Readonly<Record<string, unknown>> };
  readonly components: readonly Component[];
  readonly dependencies: readonly { readonly ref: string; readonly dependsOn: readonly string[] }[];
}

interface Component {
  readonly "bom-ref": string;
  readonly name: string;
  readonly version: string;
  readonly hashes?: readonly { readonly alg: string; readonly content: string }[];
  readonly licenses?: readonly unknown[];
}

/** What is in the image, as CycloneDX. Needs npm, and no network. @throws Error if npm writes no document. */
export async function readSbom(): Promise<Sbom> {
  // Of everything: with --omit=dev npm 11 also leaves out what production and development have in common.
  const args = ["sbom", "--sbom-format", "cyclonedx", "--sbom-type", "application", "--package-lock-only", "--offline"];
  const text = await readTool("npm", args);
  if (text === undefined) throw new Error("npm sbom failed");
  return imageOnly(JSON.parse(text), await readLockedPackages());
}

/** The same document without what is for development only, optional, or for the client package alone. */
export function imageOnly(sbom: Sbom, packages: readonly LockedPackage[]): Sbom {
  const isWanted = ({ isProduction, usedBy }: LockedPackage) => isProduction && usedBy.includes("image");
  const wanted = new Set(packages.filter(isWanted).map(idOf));
  const components = sbom.components.filter((component) => wanted.has(idOf(component)));
  const { component } = sbom.metadata;
  const kept = new Set([component["bom-ref"], ...components.map((one) => one["bom-ref"])]);
  return {
    ...sbom,
    // npm names it after the folder it is in.
    metadata: { ...sbom.metadata, component: { ...component, name: "oauth-token-service" } },
    components,
    dependencies: sbom.dependencies
      .filter(({ ref }) => kept.has(ref))
      .map(({ ref, dependsOn }) => ({ ref, dependsOn: dependsOn.filter((other) => kept.has(other)) })),
  };
}

function idOf({ name, version }: { readonly name: string; readonly version: string }): string {
  return `${name}@${version}`;
}

if (import.meta.main) process.stdout.write(`${JSON.stringify(await readSbom(), null, 2)}\n`);
