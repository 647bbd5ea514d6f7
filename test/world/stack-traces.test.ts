import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { expect, onTestFinished, test } from "vitest";
import { sourceNames } from "../../src/world/stack-traces.ts";

/** A bundle whose lines 1 and 2 are lines 1 and 5 of a source. */
async function bundle(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "stack-traces-"));
  onTestFinished(() => rm(folder, { recursive: true }));
  const map = { version: 3, sources: ["../src/main.ts"], names: [], mappings: "AAAA;AAIA" };
  await writeFile(join(folder, "main.js.map"), JSON.stringify(map));
  return pathToFileURL(join(folder, "main.js")).href;
}

test("a text names the lines of the sources, as often as it names those of the bundle", async () => {
  const file = await bundle();
  const source = new URL("../src/main.ts", file).href;
  const named = sourceNames(file)(`Error: x\n    at run (${file}:2:1)\n    at ${file}:1:1`);
  expect(named).toBe(`Error: x\n    at run (${source}:5:1)\n    at ${source}:1:1`);
  const line = JSON.stringify({ stack: [`at ${file}:2:1`] });
  expect(sourceNames(file)(line)).toBe(JSON.stringify({ stack: [`at ${source}:5:1`] }));
});

test("what is not of the bundle, or has no map, is left as it is", async () => {
  const file = await bundle();
  const text = [`at ${new URL("other.js", file)}:1:1`, "at file:///elsewhere/main.js:1:1", "at node:fs:1:1"].join("\n");
  expect(sourceNames(file)(text)).toBe(text);
  expect(sourceNames("file:///app/src/main.ts")(`at ${file}:1:1`)).toBe(`at ${file}:1:1`);
});
