import type { CommandWorld } from "../command.ts";
import type { Operation } from "./operating.ts";

/**
 * For what seals, and for what ends grants at platforms: with another database's keys nobody could open the one, and the
 * other would be forgotten here and live on there.
 * @throws Error that says so.
 */
export async function requireKeys(
  { findKeyOpener }: Operation,
  seals: boolean,
  { complain }: CommandWorld,
): Promise<void> {
  const opener = await findKeyOpener();
  if (opener === "none")
    throw new Error(
      "nothing was done: none of TOKEN_ENCRYPTION_KEY opens what this database was begun with, so set the key it had",
    );
  if (opener === "other" && seals)
    complain(
      "this seals with the first of TOKEN_ENCRYPTION_KEY, which nothing was sealed with yet: every replica has to have it, too",
    );
}
