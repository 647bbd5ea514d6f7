import { readdir, readFile } from "node:fs/promises";
import { dirname, join } from "node:path/posix";
import { houses, layers } from "./layers.ts";
import { root } from "./run-tool.ts";

/** Whether every file imports only what its room of src, or its folder beside src, stands on. */
export async function checkImports(): Promise<boolean> {
  let clean = true;
  for (const folder of ["src", ...Object.keys(houses)]) {
    for (const entry of await readdir(join(root, folder), { recursive: true, withFileTypes: true })) {
      if (!entry.isFile() || !entry.name.endsWith(".ts")) continue;
      const path = join(entry.parentPath, entry.name).slice(root.length);
      for (const specifier of refusedImports(path, await readFile(join(root, path), "utf8"))) {
        console.log(`${path}: may not import ${specifier}: see scripts/layers.ts`);
        clean = false;
      }
    }
  }
  return clean;
}

/** The imports of a file that its place does not stand on, as they are written. `path` begins with the folder. */
export function refusedImports(path: string, text: string): readonly string[] {
  const house = topOf(path);
  if (house === "src") return refusedInSrc(path, text);
  const closed = Object.keys(houses).filter((other) => other !== house && !houses[house]?.includes(other));
  return importsIn(text).filter(
    (specifier) => specifier.startsWith(".") && closed.includes(topOf(join(dirname(path), specifier))),
  );
}

function topOf(path: string): string {
  return path.slice(0, path.indexOf("/"));
}

function refusedInSrc(path: string, text: string): readonly string[] {
  const place = placeOf(path);
  const layer = place === undefined ? undefined : layers[place];
  return importsIn(text).filter((specifier) => {
    if (specifier.startsWith("node:")) return false;
    if (!specifier.startsWith(".")) return !(layer?.packages ?? []).some((name) => isPackage(specifier, name));
    const target = join(dirname(path), specifier);
    if (layer === undefined) return !target.startsWith("src/");
    return ![...(placeOf(target) === place ? [target] : []), ...layer.from].some((allowed) => liesIn(target, allowed));
  });
}

/** What a file imports, types included. The formatter sees to it that imports are written in one way. */
function importsIn(text: string): readonly string[] {
  const found = text.matchAll(/(?:^(?:import|export)\s[^"';]*?from\s|^import\s|\bimport\()"([^"]+)"/gm);
  return [...found].map((match) => match[1] ?? "");
}

/** The longest place of the table that holds the file. */
function placeOf(path: string): string | undefined {
  return Object.keys(layers)
    .filter((place) => liesIn(path, place))
    .toSorted((a, b) => b.length - a.length)[0];
}

function liesIn(path: string, place: string): boolean {
  if (path === "src/main.ts") return false;
  if (place.endsWith("/")) return dirname(path) === place.slice(0, -1);
  return path === place || path.startsWith(`${place}/`);
}

function isPackage(specifier: string, name: string): boolean {
  if (name.endsWith("/")) return specifier.startsWith(name);
  return specifier === name || specifier.startsWith(`${name}/`);
}
