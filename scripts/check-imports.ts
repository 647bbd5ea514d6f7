import { readdir, readFile } from "node:fs/promises";
import { dirname, join } from "node:path/posix";
import { houses, layers, notOurs } from "./layers.ts";
import { root } from "./run-tool.ts";

/** Whether every file imports only what its room of src, or its folder beside src, stands on. */
export async function checkImports(): Promise<boolean> {
  let clean = true;
  for (const path of await sources()) {
    for (const specifier of refusedImports(path, await readFile(join(root, path), "utf8"))) {
      console.log(`${path}: may not import ${specifier}: see scripts/layers.ts`);
      clean = false;
    }
  }
  return clean;
}

/** Every file of code in a folder that is ours, whatever it is written in. */
async function sources(): Promise<readonly string[]> {
  const folders = await readdir(root, { withFileTypes: true });
  const ours = folders.filter(
    (entry) => entry.isDirectory() && !/^\./.test(entry.name) && !notOurs.includes(entry.name),
  );
  const found = await Promise.all(
    ours.map(({ name }) => readdir(join(root, name), { recursive: true, withFileTypes: true })),
  );
  return found
    .flat()
    .filter((entry) => entry.isFile() && /\.[cm]?[jt]sx?$/.test(entry.name))
    .map((entry) => join(entry.parentPath, entry.name).slice(root.length));
}

/**
 * The imports of a file that its place does not stand on, as they are written. `path` begins with the folder. Of a file
 * without a place everything is refused.
 */
export function refusedImports(path: string, text: string): readonly string[] {
  return path.startsWith("src/") ? refusedInSrc(path, text) : refusedBeside(path, text);
}

function refusedInSrc(path: string, text: string): readonly string[] {
  const place = placeOf(path, layers);
  if (place === undefined) return ["anything: its folder is not there"];
  const { from, packages = [] } = layers[place] ?? { from: [] };
  const isOpen = (target: string) =>
    (placeOf(target, layers) === place && liesIn(target, place)) || from.some((allowed) => liesIn(target, allowed));
  return [
    ...pathsIn(text).filter((specifier) => !isOpen(join(dirname(path), specifier))),
    ...packagesIn(text).filter(
      (specifier) => !specifier.startsWith("node:") && !packages.some((name) => isPackage(specifier, name)),
    ),
    ...hiddenIn(text),
  ];
}

/** Only the folders of ours are closed to each other: packages, papers and `gen` are open to all of these. */
function refusedBeside(path: string, text: string): readonly string[] {
  const place = placeOf(path, houses);
  if (place === undefined) return ["anything: its folder is not there"];
  const open = [topOf(path), ...(houses[place] ?? [])];
  const closed = ["src", ...Object.keys(houses)].filter((other) => !open.includes(other));
  return [
    ...pathsIn(text).filter((specifier) => closed.includes(topOf(join(dirname(path), specifier)))),
    ...packagesIn(text).filter((specifier) => /^(\/|#|file:)/.test(specifier)),
  ];
}

function topOf(path: string): string {
  return path.replace(/\/.*/s, "");
}

/** Whatever in quotes is a way from here to there: imports of all kinds, and files that are named to be read or run. */
function pathsIn(text: string): readonly string[] {
  return [...text.matchAll(/(["'`])(\.\.?\/[^"'`\n]*)\1/g)].map((match) => match[2] ?? "");
}

/** What is imported by another name than a path, types included. */
function packagesIn(text: string): readonly string[] {
  const found = text.matchAll(/\b(?:from|import|require)(?:\s|\(|\/\*.*?\*\/)*"([@\w#/][\w@./:#-]*)"/gs);
  return [...found].map((match) => match[1] ?? "");
}

/** Imports of what is known only while it runs, and of types within types: the search for circles does not see them. */
function hiddenIn(text: string): readonly string[] {
  const found = text.matchAll(/\bimport\s*\((?!\s*["'])[^)\n]*|(?<!\bawait\s+)\bimport\s*\(\s*["']\.[^)\n]*/g);
  return [...found].map((match) => match[0]);
}

/** The longest place of the table that holds the file. */
function placeOf(path: string, table: Readonly<Record<string, unknown>>): string | undefined {
  return Object.keys(table)
    .filter((place) => liesIn(path, place))
    .toSorted((a, b) => b.length - a.length)[0];
}

/** A place that ends with a slash holds the files beside its folders alone, without the one above all of them. */
function liesIn(path: string, place: string): boolean {
  if (path === "src/main.ts") return place === path;
  if (place.endsWith("/")) return dirname(path) === place.slice(0, -1);
  return path === place || path.startsWith(`${place}/`);
}

function isPackage(specifier: string, name: string): boolean {
  if (name.endsWith("/")) return specifier.startsWith(name);
  return specifier === name || specifier.startsWith(`${name}/`);
}
