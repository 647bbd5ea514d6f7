import type { CommandWorld } from "../../command.ts";
import { type Finding, findingsOf } from "./finding.ts";

/** Another host's time, which a `Date` header gives to the second. */
export interface HeardTime {
  readonly host: string;
  /** How far its clock is ahead of the time that the service decides by. */
  readonly aheadMs: number;
}

/** What proves us at a platform is refused beyond a minute; ordinary time services keep well below this. */
const noticedMs = 10_000;

const finding = findingsOf("clock");

/** The time that counts, against this machine's and those of the platforms that answered. */
export function checkClock({ clock }: CommandWorld, heard: readonly HeardTime[]): readonly Finding[] {
  const reading = clock?.read();
  const fix = "see the time services of this machine and of the database's";
  const found = [
    ...(reading?.skewed === true
      ? [finding("warning", `this machine's is ${seconds(reading.skewMs)} the database's`, fix)]
      : []),
    ...heard
      .filter(({ aheadMs }) => Math.abs(aheadMs) > noticedMs)
      .map(({ host, aheadMs }) => finding("failed", `the service's is ${seconds(-aheadMs)} that of ${host}`, fix)),
  ];
  if (found.length > 0) return found;
  const compared = [...(reading === undefined ? [] : ["the database"]), ...heard.map(({ host }) => host)];
  if (compared.length === 0) return [finding("skipped", "there is no other to compare it with")];
  return [finding("ok", `agrees with ${compared.join(", ")}`)];
}

function seconds(ms: number): string {
  return `${Math.round(Math.abs(ms) / 1000)} s ${ms > 0 ? "ahead of" : "behind"}`;
}
