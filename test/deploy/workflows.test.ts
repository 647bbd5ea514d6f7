import { readdir, readFile } from "node:fs/promises";
import { registerHooks } from "node:module";
import type { WorkflowTemplate } from "@actions/workflow-parser";
import { expect, test } from "vitest";

// It imports its schema as bundlers take it, without the words that Node asks for.
const asBundlersDo = registerHooks({
  load: (url, context, next) => {
    const isSchema = url.includes("/@actions/workflow-parser/") && url.endsWith(".json");
    return next(url, isSchema ? { ...context, importAttributes: { type: "json" } } : context);
  },
});
const { convertWorkflowTemplate, NoOperationTraceWriter, parseWorkflow } = await import("@actions/workflow-parser");
asBundlersDo.deregister();

const folder = new URL("../../.github/workflows/", import.meta.url);
const { scripts } = JSON.parse(await readFile(new URL("../../package.json", import.meta.url), "utf8"));
const files = await Promise.all(
  (await readdir(folder)).map(async (name) => [name, await readFile(new URL(name, folder), "utf8")] as const),
);

/** What GitHub's own parser makes of a file, its expressions included, and what it says is wrong. */
async function parsed(name: string, content: string): Promise<readonly [WorkflowTemplate, readonly string[]]> {
  const { context, value } = parseWorkflow({ name, content }, new NoOperationTraceWriter());
  if (value === undefined) throw new Error(`${name}: ${context.errors.getErrors().map(({ message }) => message)}`);
  const template = await convertWorkflowTemplate(context, value);
  return [template, context.errors.getErrors().map(({ message }) => message)];
}

test.each(files)("%s is what GitHub takes", async (name, content) => {
  const [template, errors] = await parsed(name, content);
  expect(errors).toEqual([]);
  expect(template.jobs.length).toBeGreaterThan(0);
});

test("what is misspelt, or names what there is not, is seen", async () => {
  const broken = (from: string, to: string) => parsed("broken.yml", (files[0]?.[1] ?? "").replace(from, to));
  for (const [from, to] of [
    ["timeout-minutes", "timeout-minute"],
    ["github.event_name ==", "github.event_name ="],
    ["github.ref }}", "githu.ref }}"],
  ] as const) {
    const errors = await broken(from, to).then(
      ([, found]) => found,
      (error: Error) => [error.message],
    );
    expect([to, errors.length > 0]).toEqual([to, true]);
  }
});

test.each(files)("%s runs what cannot be changed under it, with no more rights than it needs", (_name, content) => {
  const used = [...content.matchAll(/uses: (\S+)(.*)/g)];
  expect(used.length).toBeGreaterThan(0);
  for (const [line, action = "", beside = ""] of used) {
    expect([line, action]).toEqual([line, expect.stringMatching(/^[\w-]+\/[\w-]+@[0-9a-f]{40}$/)]);
    expect([line, beside]).toEqual([line, expect.stringMatching(/^ # v\d+\.\d+\.\d+$/)]);
  }
  expect(content).toMatch(/^permissions:\n {2}contents: read\n(?=\S)/m);
  expect(content).not.toContain("pull_request_target");
  // What somebody else may write is never part of a script.
  for (const [script] of content.matchAll(/run: .*/g)) expect(script).not.toContain("${{");
  for (const [block] of content.matchAll(/actions\/checkout@[\s\S]*?(?=\n {6}- )/g))
    expect(block).toContain("persist-credentials: false");
});

test.each(files)("%s names images as they may be named, whoever owns the repository", (_name, content) => {
  for (const [script] of content.matchAll(/run: docker .*/g)) expect(script).not.toMatch(/\$(IMAGE\b|\{IMAGE\})/);
});

test.each(files)("%s runs scripts that there are", (_name, content) => {
  for (const [, name = ""] of content.matchAll(/npm run ([\w:-]+)/g)) expect(scripts).toHaveProperty([name]);
});

test("what there is to test is tested at every change", () => {
  const ran = new Set(
    files.flatMap(([, content]) => [...content.matchAll(/npm (?:run )?(test[\w:-]*)/g)].map(([, name]) => name)),
  );
  expect([...ran].toSorted()).toEqual(
    Object.keys(scripts)
      .filter((name) => name.startsWith("test"))
      .toSorted(),
  );
});

test("one action is one version everywhere", () => {
  const versions = Map.groupBy(
    files.flatMap(([, content]) => [...content.matchAll(/uses: ([\w/-]+)@(.*)/g)]),
    ([, action]) => action,
  );
  for (const [action, uses] of versions)
    expect([action, new Set(uses.map(([, , version]) => version)).size]).toEqual([action, 1]);
});
