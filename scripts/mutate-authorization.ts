import { cp, readFile, symlink, writeFile } from "node:fs/promises";
import { basename, join } from "node:path";
import { createVitest, type TestCase, type Vitest } from "vitest/node";
import { startPostgres, throwAway } from "../rig/postgres-server.ts";
import { makeWorkDirectory, removeWorkDirectory } from "../rig/work-directory.ts";
import { type Mutant, mutants, policyTests } from "./authorization-mutants.ts";
import { findLost } from "./lost-mutants.ts";
import { root } from "./run-tool.ts";

/**
 * Takes each authorization check away, or turns it round, one at a time in a copy of the tree, and runs the tests that
 * are meant to notice. Exits with 1 if one of them goes unnoticed, or if a check of the list is no longer in its file.
 * `npm run mutate:authorization -- [part of a name or file …]` takes only those.
 */
async function main(wanted: readonly string[]): Promise<number> {
  const chosen = mutants.filter(
    ({ name, file }) => wanted.length === 0 || wanted.some((part) => name.includes(part) || file.includes(part)),
  );
  const lost = await findLost(chosen);
  for (const { name, file } of lost) console.log(`${file}: ${name}: lost, its source is not there exactly once`);
  const found = chosen.filter((mutant) => !lost.includes(mutant));

  const directory = await makeWorkDirectory("mutants");
  // However this process ends.
  process.once("exit", () => removeWorkDirectory(directory));
  const copy = join(directory, "tree");
  const server = await startPostgres({ directory, settings: throwAway });
  process.env.TEST_DATABASE_URL = server.urlOf("postgres");
  let vitest: Vitest | undefined;
  try {
    await cp(root, copy, { recursive: true, filter: (path) => !leftOut.has(basename(path)) });
    await symlink(join(root, "node_modules"), join(copy, "node_modules"));
    const seen: TestCase[] = [];
    const reporters = [{ onTestCaseResult: (test: TestCase) => void seen.push(test) }];
    vitest = await createVitest("test", { root: copy, watch: false, bail: 1, maxWorkers: 1, reporters });
    const runner = { vitest, seen };
    const whole = await runTests(runner, [...new Set(found.flatMap(({ tests }) => tests))]);
    if (whole !== "passed") {
      console.log(`without any change: ${whole}`);
      return 1;
    }
    let unnoticed = 0;
    for (const mutant of found) {
      const verdict = await judge(mutant, copy, runner);
      if (!verdict.startsWith("killed")) unnoticed++;
      console.log(`${mutant.file}: ${mutant.name}: ${verdict}`);
    }
    console.log(`${chosen.length} mutants, ${unnoticed} unnoticed, ${lost.length} lost`);
    return unnoticed + lost.length === 0 ? 0 : 1;
  } finally {
    await vitest?.close();
    await server.stop("immediate");
  }
}

const leftOut: ReadonlySet<string> = new Set(["node_modules", ".git", "data"]);

interface Tests {
  readonly vitest: Vitest;
  /** The results of the present run, in order. */
  readonly seen: TestCase[];
}

async function judge({ file, original, mutated, tests }: Mutant, copy: string, runner: Tests): Promise<string> {
  const path = join(copy, file);
  const source = await readFile(path, "utf8");
  const write = async (text: string) => {
    await writeFile(path, text);
    runner.vitest.invalidateFile(path);
  };
  // A function, since `$` means something in a replacement.
  await write(source.replace(original, () => mutated));
  try {
    const first = await runTests(runner, tests);
    const last = first === "passed" ? await runTests(runner, [policyTests]) : first;
    return last === "passed" ? "survived" : last;
  } finally {
    await write(source);
  }
}

/** `passed`, or `killed by` the first test that failed, or `broken` if no test said anything: then it is no program. */
async function runTests({ vitest, seen }: Tests, tests: readonly string[]): Promise<string> {
  seen.length = 0;
  const files = await vitest.globTestSpecifications([...tests]);
  const { unhandledErrors } = await vitest.runTestSpecifications(files);
  const failed = seen.find((test) => test.result().state === "failed");
  if (failed !== undefined) return `killed by ${basename(failed.module.moduleId)}: ${failed.fullName}`;
  // A hook that fails leaves its tests without a result.
  const isWhole = files.every(({ moduleId }) => seen.some(({ module }) => module.moduleId === moduleId));
  if (isWhole && unhandledErrors.length === 0 && seen.every((test) => test.result().state === "passed"))
    return "passed";
  return "broken: not every test ran";
}

process.exitCode = await main(process.argv.slice(2));
