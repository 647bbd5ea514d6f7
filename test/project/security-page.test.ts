import { access, readFile } from "node:fs/promises";
import { expect, test } from "vitest";

const root = new URL("../../", import.meta.url);
const page = await readFile(new URL("SECURITY.md", root), "utf8");

interface Row {
  readonly id: string;
  readonly defence: string;
  readonly proof: string;
}

const rows: readonly Row[] = page
  .split("\n")
  .filter((line) => /^\| A\d+ \|/.test(line))
  .map((line) => line.split("|").map((cell) => cell.trim()))
  .map(([, id = "", , defence = "", proof = ""]) => ({ id, defence, proof }));

test("SECURITY.md has every threat once, in order", () => {
  expect(rows.map(({ id }) => id)).toEqual(Array.from({ length: 41 }, (_, index) => `A${index + 1}`));
});

test.each(rows)("$id names a defence, and its test or why there is none", ({ defence, proof }) => {
  expect(defence).not.toBe("");
  expect(proof).toMatch(/^(`test\/\S+\.test\.ts`|no test: \S)/);
});

test("every test that SECURITY.md names exists", async () => {
  const paths = new Set(page.match(/\btest\/[\w./-]+/g));
  expect(paths.size).toBeGreaterThan(20);
  const missing: string[] = [];
  for (const path of paths) await access(new URL(path, root)).catch(() => void missing.push(path));
  expect(missing).toEqual([]);
});
