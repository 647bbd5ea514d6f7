import { parseArgs } from "node:util";
import { seededRandom } from "../rig/seeded-random.ts";
import { isNew, type Ran, startCoverage, totals } from "./coverage.ts";
import { type Choose, mutate } from "./mutate.ts";
import type { Target } from "./targets.ts";

// Mutates inputs and keeps those that reach code no other input has reached. The same seed tries the same inputs in
// the same order; `--seconds` is shared by the targets. `npm run fuzz -- --seconds 60 --seed 1`

const { values } = parseArgs({
  options: { seconds: { type: "string", default: "60" }, seed: { type: "string", default: "1" } },
});
const batchSize = 64;
const takeCoverage = startCoverage();
// V8 counts blocks in what it compiles from here on.
const { targets } = await import("./targets.ts");
for (const target of targets) fuzz(target, seededRandom(values.seed).below, Number(values.seconds) / targets.length);

function fuzz({ name, seeds, words, read }: Target, choose: Choose, seconds: number): void {
  const reached: Ran = new Map();
  const corpus: Buffer[] = [];
  const wordBytes = words.map((word) => Buffer.from(word, "latin1"));

  function run(inputs: readonly Buffer[]): Ran {
    takeCoverage();
    for (const input of inputs) {
      try {
        read(input);
      } catch (error) {
        process.stderr.write(`${name} broke with the input ${JSON.stringify(input.toString("base64"))} (base64)\n`);
        throw error;
      }
    }
    return takeCoverage();
  }

  /** Asking what ran is slow, so it is asked of many at once, and of halves where there is something new. */
  function learn(inputs: readonly Buffer[]): void {
    const [only, ...others] = inputs;
    if (only === undefined || !isNew(run(inputs), reached, { keep: false })) return;
    if (others.length > 0) {
      learn(inputs.slice(0, inputs.length / 2));
      learn(inputs.slice(inputs.length / 2));
    } else if (isNew(run(inputs), reached, { keep: true })) {
      corpus.push(only);
    }
  }

  for (const seed of seeds) learn([seed]);
  const { reached: atSeeds } = totals(reached);
  const any = () => corpus[choose(corpus.length)] ?? Buffer.alloc(0);
  const until = performance.now() + seconds * 1000;
  let tried = 0;
  while (performance.now() < until) {
    learn(Array.from({ length: batchSize }, () => mutate(any(), { choose, other: any(), words: wordBytes })));
    tried += batchSize;
  }
  const { reached: characters, near } = totals(reached);
  const share = Math.round((100 * characters) / near);
  process.stdout.write(
    `${name}: ${tried} inputs, ${corpus.length} kept; ${characters} of ${near} characters of code ran (${share} %), ${atSeeds} with the seeds alone\n`,
  );
}
