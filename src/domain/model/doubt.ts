/** So many different grants at least are called dead before the platform is doubted. */
const fewest = 3;

/**
 * Whether a platform calls nearly everybody dead: among the last answers about different grants, newest first, however
 * many are looked at, more than half and at least three do. One person's or one workspace's end is one answer.
 */
export function isIncident(calledDead: readonly boolean[]): boolean {
  let dead = 0;
  return calledDead.some((one, index) => {
    if (one) dead++;
    return dead >= fewest && dead * 2 > index + 1;
  });
}

/** Answers older than this say nothing about now. */
export const verdictWindowMs = 3_600_000;
/** What has been called dead for so long is dead. */
export const persistenceMs = 24 * 3_600_000;
/** How long an operator's word counts for what is called dead after it. */
export const confirmationMs = 24 * 3_600_000;

/** What platforms said of grants lately. */
export interface Verdicts {
  /** Of different grants, newest first: whether it was called dead. */
  readonly calledDead: readonly boolean[];
  /** Since when this grant's death is doubted; undefined: it is not. */
  readonly doubtedSince: Date | undefined;
  /** Whether an operator has said that what this platform calls dead is dead. */
  readonly confirmed: boolean;
}

/** Grants of one platform whose death is doubted. */
export interface Doubts {
  readonly platform: string;
  readonly doubted: number;
  readonly since: Date | undefined;
}
