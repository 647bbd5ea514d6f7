import { readdir, readFile } from "node:fs/promises";
import { join, sep } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { seededRandom } from "../../../rig/seeded-random.ts";
import { checkImage } from "./power/check-image.ts";
import type { Operation } from "./power/operation.ts";
import { type RecordedRun, recordRun } from "./power/recorded-run.ts";
import { RestartedProgram } from "./power/restarted-program.ts";
import { type DiskImage, SimulatedDisk } from "./power/simulated-disk.ts";

/** More of them, and others: POWER_FAILURES=5000 POWER_FAILURE_SEED=2 */
const failures = Number(process.env.POWER_FAILURES ?? 220);
const seed = process.env.POWER_FAILURE_SEED ?? "1";

describe("a power failure", { timeout: 600_000 }, () => {
  let run: RecordedRun;
  beforeAll(async () => {
    run = await recordRun();
  }, 300_000);
  afterAll(() => run?.remove());

  test("that loses nothing leaves what is really there: all that was done was recorded", async () => {
    const disk = new SimulatedDisk();
    for (const operation of run.operations) disk.apply(operation);
    const recorded = new Map(filesOf(disk.whole()));
    const real = await readdir(run.folder, { recursive: true, withFileTypes: true });
    const files = real.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
    const contents = files.map(async (path) => [path.slice(run.folder.length), await readFile(path)] as const);
    for (const [path, content] of await Promise.all(contents)) {
      expect(recorded.get(path)?.equals(content), path).toBe(true);
    }
    expect([...recorded.keys()].sort()).toEqual(files.map((path) => path.slice(run.folder.length)).sort());
  });

  test(`at ${failures} moments of first starts, installs, refreshes, hand-outs and checkpoints loses nothing that was answered`, async () => {
    const random = seededRandom(seed);
    const early = Array.from({ length: Math.floor(failures / 4) }, () => random.below(run.started));
    const others = Array.from({ length: failures - early.length }, () =>
      Math.ceil(random.between(run.started, run.operations.length)),
    );
    expect(await problemsAt([...early, ...others], run, run.operations)).toEqual([]);
  });

  test("is seen to lose commits where the log was not flushed", async () => {
    const log = new Set(
      run.operations.flatMap((one) =>
        one.kind === "make" && /^[0-9A-F]{24}$|^xlogtemp/.test(one.at.name) ? [one.node] : [],
      ),
    );
    const careless = run.operations.filter(
      (one, index) => index < run.started || one.kind !== "flush" || !log.has(one.node),
    );
    expect(careless.length).toBeLessThan(run.operations.length);
    const random = seededRandom(seed);
    const moments = Array.from({ length: 5 }, () => Math.ceil(random.between(run.started, careless.length)));
    expect(await problemsAt(moments, run, careless)).not.toEqual([]);
  });
});

/** What is wrong after a power failure at each of these moments, counted in operations. */
async function problemsAt(moments: readonly number[], run: RecordedRun, operations: readonly Operation[]) {
  const disk = new SimulatedDisk();
  const problems: string[] = [];
  let program = await RestartedProgram.create();
  let done = 0;
  for (const moment of moments.toSorted((a, b) => a - b)) {
    for (; done < moment; done++) disk.apply(operations[done] as Operation);
    // What was answered after the last operation that has been done.
    const last = run.operations.indexOf(operations[moment - 1] as Operation) + 1;
    const facts = run.facts.filter(({ after }) => after <= last).map(({ fact }) => fact);
    try {
      const found = await checkImage(disk.fail(seededRandom(`${seed}/${moment}`)), facts, program);
      problems.push(...found.map((problem) => `at ${moment}: ${problem}`));
    } catch (error) {
      problems.push(`at ${moment}: ${error}`);
      program = await RestartedProgram.create();
    }
  }
  return problems;
}

/** Every file with its path from the root on, but for locks, which are not looked at after a power failure. */
function filesOf(disk: DiskImage, node = 0, path = ""): (readonly [string, Buffer])[] {
  return [...(disk.entries(node) ?? [])].flatMap(([name, child]) =>
    disk.entries(child) === undefined
      ? [[`${path}${sep}${name}`, Buffer.from(disk.bytes(child))] as const]
      : filesOf(disk, child, `${path}${sep}${name}`),
  );
}
