import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { root } from "./run-tool.ts";

/** One package of package-lock.json. */
export interface LockedPackage {
  readonly name: string;
  readonly version: string;
  /** An SPDX expression, as the package states it. */
  readonly licence: string | undefined;
  /** Whether the image or the client package has it: neither for development nor optional. */
  readonly isProduction: boolean;
  /** Of these two the ones that have it. */
  readonly usedBy: readonly User[];
  readonly integrity: string | undefined;
  /** Whether it would like to run something when it is installed. */
  readonly hasInstallScript: boolean;
  /** The systems and processors it is for; undefined: every one. */
  readonly os: readonly string[] | undefined;
  readonly cpu: readonly string[] | undefined;
}

export type User = "image" | "client";

interface Entry {
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly version?: string;
  readonly license?: string;
  readonly integrity?: string;
  readonly hasInstallScript?: boolean;
  readonly link?: boolean;
  readonly dev?: boolean;
  readonly optional?: boolean;
  readonly devOptional?: boolean;
  readonly os?: string | readonly string[];
  readonly cpu?: string | readonly string[];
}

/** Every package of the lockfile, by name and version. */
export async function readLockedPackages(): Promise<readonly LockedPackage[]> {
  const lock: { readonly packages: Readonly<Record<string, Entry>> } = JSON.parse(
    await readFile(join(root, "package-lock.json"), "utf8"),
  );
  const image = reachable(lock.packages, "");
  const client = reachable(lock.packages, "client");
  const usersOf = (path: string): readonly User[] => [
    ...(image.has(path) ? (["image"] as const) : []),
    ...(client.has(path) ? (["client"] as const) : []),
  ];
  return (
    Object.entries(lock.packages)
      // Not what is in this repository: the root, and the client beside it.
      .filter(([path, { link }]) => path.includes("node_modules/") && link !== true)
      .map(([path, entry]) => lockedPackage(path, entry, usersOf(path)))
      .sort((a, b) => compare(a.name, b.name) || compare(a.version, b.version))
  );
}

/** Where what a package depends on is, and what that depends on; without what is optional. */
function reachable(packages: Readonly<Record<string, Entry>>, from: string): ReadonlySet<string> {
  const found = new Set([from]);
  for (const path of found) {
    for (const name of Object.keys(packages[path]?.dependencies ?? {})) {
      const place = placesAbove(path).find((folder) => `${folder}node_modules/${name}` in packages);
      if (place === undefined) throw new Error(`package-lock.json has no ${name} for ${path || "the service"}`);
      found.add(`${place}node_modules/${name}`);
    }
  }
  return found;
}

/** The folders in whose node_modules a package's dependencies are looked for, the nearest first. */
function placesAbove(path: string): readonly string[] {
  const places = path === "" ? [] : [`${path}/`];
  for (let at = path.lastIndexOf("node_modules/"); at > 0; at = path.lastIndexOf("node_modules/", at - 1)) {
    places.push(path.slice(0, at));
  }
  return [...places, ""];
}

function lockedPackage(path: string, entry: Entry, usedBy: readonly User[]): LockedPackage {
  return {
    name: path.slice(path.lastIndexOf("node_modules/") + "node_modules/".length),
    version: entry.version ?? "",
    licence: entry.license,
    isProduction: !(entry.dev ?? entry.optional ?? entry.devOptional ?? false),
    usedBy,
    integrity: entry.integrity,
    hasInstallScript: entry.hasInstallScript ?? false,
    os: entry.os === undefined ? undefined : [entry.os].flat(),
    cpu: entry.cpu === undefined ? undefined : [entry.cpu].flat(),
  };
}

/** By code units: the same order on every machine. */
function compare(a: string, b: string): number {
  return a < b ? -1 : Number(a > b);
}
