import { checks } from "./check-steps.ts";

// Runs every check, so that one run tells everything that is wrong; fails at the end if any did.
const failed: string[] = [];
for (const { name, run } of checks) {
  console.log(`\n== ${name}`);
  if (!(await run())) {
    failed.push(name);
    console.log(`-- ${name} failed`);
  }
}
console.log(failed.length === 0 ? "\nall checks passed" : `\nfailed: ${failed.join(", ")}`);
process.exitCode = failed.length === 0 ? 0 : 1;
