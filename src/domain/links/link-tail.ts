import { createSharedLook } from "../../work/shared-look.ts";

/** The ends of links as they come, looked for once for all who wait for them in this process. */
export interface LinkTail {
  /**
   * Returns when a link is not open any more, or after so long.
   * @throws the reason of `signal`; ServiceError SERVICE_UNAVAILABLE while the database cannot be read.
   */
  wait(id: string, milliseconds: number, signal: AbortSignal): Promise<void>;
}

export function createLinkTail({
  openOf,
}: {
  readonly openOf: (ids: readonly string[]) => Promise<readonly string[]>;
}): LinkTail {
  const open = createSharedLook(async (ids) => new Map((await openOf(ids)).map((id) => [id, "open"])));
  return {
    async wait(id, milliseconds, signal) {
      await open.wait(id, (state) => state === undefined, milliseconds, signal);
    },
  };
}
