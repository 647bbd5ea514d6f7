import { access, readdir, readFile } from "node:fs/promises";
import { expect, test } from "vitest";
import { findEntry } from "../../src/cli/commands.ts";

const root = new URL("../../", import.meta.url);
const inRoot = (await readdir(root)).filter((name) => name.endsWith(".md"));
const inDocs = (await readdir(new URL("docs/", root), { recursive: true })).filter((name) => name.endsWith(".md"));
const pages = [...inRoot, "client/README.md", ...inDocs.map((name) => `docs/${name}`)];

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

test.each(pages)("%s closes each block of code before the next heading", async (page) => {
  const text = await readFile(new URL(page, root), "utf8");
  const open: string[] = [];
  let isCode = false;
  for (const line of text.split("\n")) {
    if (/^ *```/.test(line)) isCode = !isCode;
    // A comment of a shell has one #.
    else if (isCode && /^##+ [A-Z]/.test(line)) open.push(line);
  }
  expect([open, isCode]).toEqual([[], false]);
});

test.each(pages)("%s names files that are there", async (page) => {
  const text = await readFile(new URL(page, root), "utf8");
  const paths = [
    ...text.replaceAll(/\]\([^)]*\)/g, "").matchAll(/(?<![\w./-])[a-z]+\/[\w./-]+\.(?:ts|json|md|sql|sh|yaml)\b/g),
  ].map(([path]) => path);
  const rooms = /^(?:src|test|rig|scripts|docs|sandbox|bench|chaos|fuzz|proto|gen|deploy|bin)\//;
  expect(await missing(paths.map((path) => new URL(rooms.test(path) ? path : `src/${path}`, root)))).toEqual([]);
});

test("a decision has a number of its own, by which it is cited", async () => {
  const decisions = inDocs.filter((name) => name.startsWith("adr/")).sort();
  const numbers = decisions.map((name) => Number(name.slice("adr/".length).split("-", 1)[0]));
  expect(numbers).toEqual(decisions.map((_, index) => index + 1));
  for (const [index, name] of decisions.entries())
    expect(await readFile(new URL(`docs/${name}`, root), "utf8")).toMatch(new RegExp(`^# ${index + 1}\\. `));
});

/** `npx NAME` runs what the registry has by that name wherever the checkout is not the folder one stands in. */
const toldToPeople = [
  ...pages,
  ...["Dockerfile", "compose.yaml", "package.json"],
  ...(await Promise.all(["src", "client/src", "sandbox", "deploy", "bin", "scripts", "proto"].map(filesIn))).flat(),
];

async function filesIn(folder: string): Promise<readonly string[]> {
  const entries = await readdir(new URL(`${folder}/`, root), { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile());
  return files.map((entry) => `${entry.parentPath}/${entry.name}`.slice(root.pathname.length));
}

test("no document and no message has a package of a stranger run", async () => {
  expect(toldToPeople.length).toBeGreaterThan(400);
  const texts = await Promise.all(
    toldToPeople.map(async (path) => [path, await readFile(new URL(path, root), "utf8")]),
  );
  // Without a download, or not at all; the name alone, in code, is no advice.
  const advice = texts.flatMap(([path = "", text = ""]) =>
    [...text.matchAll(/\bnp(?:x|m exec)[ \t]+(?!--no --(?:`| ))[a-z@-][^\n]*/g)].map(([line]) => `${path}: ${line}`),
  );
  expect(advice).toEqual([]);
});

test.each(pages)("%s names commands that there are", async (page) => {
  const text = await readFile(new URL(page, root), "utf8");
  const named = text.matchAll(/`(?:[^`\n]* )?(?:oauth-token-service|npm run -s ots --) ([a-z][a-z-]*(?: [a-z-]+)?)/g);
  const wrong = [...named].map(([, name = ""]) => name).filter((name) => findEntry(name.split(" ")) === undefined);
  expect(wrong).toEqual([]);
});
