import type { Source } from "./concern-repository.ts";
import { failingMs, type PlatformNow, warnMs } from "./find-concerns.ts";

/** Where to look in a round: for each finding, what may have it, found by an index; and what is on the list. */
export function sourcesOf(known: ReadonlyMap<string, PlatformNow>, now: Date): readonly Source[] {
  const at = (ms: number) => new Date(now.getTime() + ms);
  return [
    { key: "noted", kind: "noted" },
    ...(["reauthorization_required", "suspended"] as const).map(
      (status) => ({ key: status, kind: "status", status }) as const,
    ),
    { key: "ending", kind: "ending", before: at(warnMs) },
    { key: "webhooks", kind: "webhooks" },
    ...[...known].flatMap(
      ([
        platform,
        {
          platform: { grantEnds, keepAliveMs = 0, approvals },
          wanted,
        },
      ]): Source[] => [
        { key: `failing ${platform}`, kind: "failing", platform, before: at(-failingMs.alone) },
        ...(grantEnds?.moves === false
          ? [{ key: `resting ${platform}`, kind: "resting", platform, before: at(-keepAliveMs) } as const]
          : []),
        ...(approvals !== undefined && wanted !== undefined
          ? [{ key: `unapproved ${platform}`, kind: "unapproved", platform, wanted } as const]
          : []),
      ],
    ),
  ];
}
