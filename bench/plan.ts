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
  /** Installations of both databases in which what runs by itself is timed. */
  readonly scale: readonly [number, number];
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

const full: Omit<Plan, "quick" | "only"> = {
  repetitions: 5,
  runSeconds: 4,
  warmUpSeconds: 4,
  manyInstallations: 1_000_000,
  deepPage: 1_000,
  listCalls: 100,
  scale: [100_000, 1_000_000],
  recordRows: 500_000,
  cachedTokens: 10_000,
  idleConnections: 1_000,
  stormCallers: 1_000,
  limitSeconds: 1_500,
};

const quick: typeof full = {
  ...full,
  repetitions: 1,
  runSeconds: 1,
  warmUpSeconds: 1,
  manyInstallations: 100_000,
  deepPage: 200,
  listCalls: 30,
  scale: [10_000, 100_000],
  recordRows: 50_000,
  cachedTokens: 2_000,
  limitSeconds: 180,
};

/** Of `--only scale`, which takes a quarter of an hour by itself. */
const manyByThemselves = 10_000_000;

/**
 * Reads `[--quick] [--only name,name] [--record-rows N] [--scale-rows N]`.
 * @throws Error that says what is understood.
 */
export function parsePlan(args: readonly string[], known: readonly string[]): Plan {
  let isQuick = false;
  let only: ReadonlySet<string> | undefined;
  let recordRows: number | undefined;
  let scaleRows: number | undefined;
  for (let i = 0; i < args.length; i++) {
    if (args[i] === "--quick") isQuick = true;
    else if (args[i] === "--only") only = new Set((args[++i] ?? "").split(","));
    else if (args[i] === "--record-rows") recordRows = Number(args[++i]);
    else if (args[i] === "--scale-rows") scaleRows = Number(args[++i]);
    else
      throw new Error(
        `unknown argument ${args[i]}; understood are --quick and --only ${known.join(",")}, --record-rows N, --scale-rows N`,
      );
  }
  const unknown = [...(only ?? [])].filter((name) => !known.includes(name));
  if (unknown.length > 0)
    throw new Error(`there is no measurement ${unknown.join(", ")}; there are ${known.join(", ")}`);
  const asked = isQuick ? quick : full;
  // What takes longer than a benchmark should is asked for by itself, or by its number.
  const many = scaleRows ?? (only?.size === 1 && only.has("scale") && !isQuick ? manyByThemselves : undefined);
  const scaled = many === undefined ? {} : { scale: [many / 10, many] as const, limitSeconds: 7_200 };
  const plan: Plan = { ...asked, ...scaled, quick: isQuick, only };
  return recordRows === undefined ? plan : { ...plan, recordRows, limitSeconds: 7_200 };
}
