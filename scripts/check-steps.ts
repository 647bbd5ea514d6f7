import { checkImports } from "./check-imports.ts";
import { checkBreaking, checkGenerated } from "./check-proto.ts";
import { checkSources } from "./check-sources.ts";
import { checkMutants } from "./lost-mutants.ts";
import { runTool } from "./run-tool.ts";

/** One step of `npm run check`: prints what is wrong and returns whether nothing is. */
export interface Check {
  readonly name: string;
  readonly run: () => Promise<boolean>;
}

export const checks: readonly Check[] = [
  { name: "types", run: () => runTool("tsc", ["--noEmit"]) },
  {
    name: "types of what runs in a page",
    run: () => runTool("tsc", ["--noEmit", "-p", "client/tsconfig.browser.json"]),
  },
  // That no imports form a circle is among its rules.
  { name: "lint and format", run: () => runTool("biome", ["ci", "--colors=off", "."]) },
  { name: "imports go inwards", run: checkImports },
  { name: "authorization mutants find their lines", run: checkMutants },
  { name: "clock, randomness and process only from outside", run: checkSources },
  { name: "proto lint", run: () => runTool("buf", ["lint"]) },
  { name: "proto format", run: () => runTool("buf", ["format", "--diff", "--exit-code", "--path", "proto/oauth"]) },
  { name: "proto breaking changes", run: checkBreaking },
  { name: "generated code is current", run: checkGenerated },
];
