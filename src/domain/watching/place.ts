import type { InstallationChange } from "./installation-changes.ts";

/** Behind which change a stream stands. */
export interface Place {
  readonly sequence: number;
  /** As `InstallationChanges.markOf` has it. */
  readonly mark: string;
}

export function placeOf({ sequence, at }: InstallationChange): Place {
  return { sequence, mark: at.toISOString() };
}
