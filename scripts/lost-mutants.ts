import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { type Mutant, mutants } from "./authorization-mutants.ts";
import { root } from "./run-tool.ts";

/** Whether every authorization mutant still finds the line that it takes away. */
export async function checkMutants(): Promise<boolean> {
  const lost = await findLost(mutants);
  for (const { name, file } of lost) console.log(`${file}: ${name}: its source is not there exactly once`);
  return lost.length === 0;
}

/** Those whose source is not in its file exactly once. */
export async function findLost(all: readonly Mutant[]): Promise<readonly Mutant[]> {
  const lost: Mutant[] = [];
  for (const mutant of all) {
    const source = await readFile(join(root, mutant.file), "utf8").catch(() => "");
    if (source.split(mutant.original).length !== 2) lost.push(mutant);
  }
  return lost;
}
