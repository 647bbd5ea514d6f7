import { parseArgs } from "node:util";

/** What was asked for on the command line. */
export interface Plan {
  /** Decides who is killed when. */
  readonly seed: string;
  /** Fewer rounds, shorter faults: for trying out, the targets of the full run do not apply to counts. */
  readonly quick: boolean;
  /** Undefined: every scenario. */
  readonly only: ReadonlySet<string> | undefined;
  /** The standby of `failover` lags: shows what is lost then, and that the run notices. */
  readonly asynchronous: boolean;
  /** After so long the run is ended, whatever it is doing. */
  readonly limitSeconds: number;
}

export const usage = "usage: npm run chaos [-- --seed N] [--only name[,name]] [--quick] [--asynchronous]";

/** @throws Error that says which argument is wrong. */
export function parsePlan(args: readonly string[], names: readonly string[]): Plan {
  const { values } = parseArgs({
    args: [...args],
    options: {
      seed: { type: "string" },
      only: { type: "string" },
      quick: { type: "boolean" },
      asynchronous: { type: "boolean" },
    },
  });
  const only = values.only?.split(",");
  const unknown = only?.find((name) => !names.includes(name));
  if (unknown !== undefined) throw new Error(`--only: there is no ${unknown}; there are ${names.join(", ")}`);
  const quick = values.quick ?? false;
  return {
    seed: values.seed ?? "1",
    quick,
    only: only === undefined ? undefined : new Set(only),
    asynchronous: values.asynchronous ?? false,
    limitSeconds: quick ? 300 : 1_500,
  };
}
