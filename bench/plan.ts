/** How much is measured. */
export interface Plan {
  readonly quick: boolean;
  /** Runs of each side of a comparison. The figures are their medians. */
  readonly repetitions: number;
  /** Length of one such run. */
  readonly runSeconds: number;
  readonly warmUpSeconds: number;
  /** Rows of the large list. */
  readonly manyInstallations: number;
  /** The page of it that is walked to. */
  readonly deepPage: number;
  readonly listCalls: number;
  /** Rows of the large record. */
  readonly recordRows: number;
  readonly cachedTokens: number;
  readonly idleConnections: number;
  readonly stormCallers: number;
  /** What is not measured by then is given up. */
  readonly limitSeconds: number;
  /** Names of measurements; undefined: all. */
  readonly only: ReadonlySet<string> | undefined;
}

const full = {
  repetitions: 5,
  runSeconds: 4,
  warmUpSeconds: 4,
  manyInstallations: 1_000_000,
  deepPage: 1_000,
  listCalls: 100,
  recordRows: 500_000,
  cachedTokens: 10_000,
  idleConnections: 1_000,
  stormCallers: 1_000,
  limitSeconds: 1_200,
};

const quick = {
  ...full,
  repetitions: 1,
  runSeconds: 1,
  warmUpSeconds: 1,
  manyInstallations: 100_000,
  deepPage: 200,
  listCalls: 30,
  recordRows: 50_000,
  cachedTokens: 2_000,
  limitSeconds: 180,
};

/**
 * Reads `[--quick] [--only name,name] [--record-rows N]`.
 * @throws Error that says what is understood.
 */
export function parsePlan(args: readonly string[], known: readonly string[]): Plan {
  let isQuick = false;
  let only: ReadonlySet<string> | undefined;
  let recordRows: number | undefined;
  for (let i = 0; i < args.length; i++) {
    if (args[i] === "--quick") isQuick = true;
    else if (args[i] === "--only") only = new Set((args[++i] ?? "").split(","));
    else if (args[i] === "--record-rows") recordRows = Number(args[++i]);
    else
      throw new Error(
        `unknown argument ${args[i]}; understood are --quick and --only ${known.join(",")}, --record-rows N`,
      );
  }
  const unknown = [...(only ?? [])].filter((name) => !known.includes(name));
  if (unknown.length > 0)
    throw new Error(`there is no measurement ${unknown.join(", ")}; there are ${known.join(", ")}`);
  const plan = { ...(isQuick ? quick : full), quick: isQuick, only };
  // What takes longer than a benchmark should is asked for by its number.
  return recordRows === undefined ? plan : { ...plan, recordRows, limitSeconds: 7_200 };
}
