/** Longer than all the calls of a registration may take: its end means that its holder is gone. */
export const registrationLeaseMs = 180_000;
/** How often a platform is asked whether what is registered is still there. */
export const checkMs = 6 * 3_600_000;
/** Half of the thirty days after which Jira drops it. */
export const renewMs = 15 * 86_400_000;
/** A site that sends nothing for so long is silent: sooner where it never sent anything. */
export const silentAfterMs = { first: 3 * 86_400_000, next: 7 * 86_400_000 };
/** After a failure, doubling up to an hour. */
const retryMs = { first: 60_000, most: 3_600_000 };

/** How long it is left alone after one more failure, `failures` of which came before. */
export function retryAfterFailureMs(failures: number, askedFor = 0): number {
  return Math.max(Math.min(retryMs.first * 2 ** Math.min(failures, 10), retryMs.most), askedFor);
}
