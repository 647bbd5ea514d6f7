import { access, readdir, readFile } from "node:fs/promises";
import { expect, test } from "vitest";

const root = new URL("../../", import.meta.url);
const inRoot = (await readdir(root)).filter((name) => name.endsWith(".md"));
const inDocs = (await readdir(new URL("docs/", root), { recursive: true })).filter((name) => name.endsWith(".md"));
const pages = [...inRoot, ...inDocs.map((name) => `docs/${name}`)];

/** Those of the places that are not there. */
async function missing(places: readonly URL[]): Promise<readonly string[]> {
  const absent: string[] = [];
  for (const place of places)
    await access(place).catch(() => void absent.push(place.pathname.slice(root.pathname.length)));
  return absent;
}

test.each(pages)("%s links to what is there", async (page) => {
  const text = await readFile(new URL(page, root), "utf8");
  const targets = [...text.matchAll(/\]\(([^)#:]+)(?:#[^)]*)?\)/g)].map((match) => match[1] ?? "");
  expect(await missing(targets.map((target) => new URL(target, new URL(page, root))))).toEqual([]);
});

test.each(pages)("%s names files that are there", async (page) => {
  const text = await readFile(new URL(page, root), "utf8");
  const paths = [
    ...text.replaceAll(/\]\([^)]*\)/g, "").matchAll(/(?<![\w./-])[a-z]+\/[\w./-]+\.(?:ts|json|md|sql|sh|yaml)\b/g),
  ].map(([path]) => path);
  const rooms = /^(?:src|test|rig|scripts|docs|sandbox|bench|chaos|fuzz|proto|gen|deploy|bin)\//;
  expect(await missing(paths.map((path) => new URL(rooms.test(path) ? path : `src/${path}`, root)))).toEqual([]);
});
