import { errors, type JWTVerifyGetKey } from "jose";
import type { World } from "../world.ts";
import { fetchKeySet } from "./fetch-key-set.ts";

/** Finds the key that a token names, among those that its issuer has published. */
export type IssuerKeys = JWTVerifyGetKey;

const freshMs = 5 * 60_000;
const lastGoodMs = 24 * 3_600_000;
/** Between two looks for a key that is not there: anybody can name one. */
const unknownKeyMs = 30_000;
/** Between two looks while the issuer is away. */
const awayMs = 5_000;

/**
 * Keeps the last good key set of one address: read anew after five minutes, used for a day while the issuer is away.
 * One read at a time. Whatever a token says, nothing else is called.
 */
export function createIssuerKeys(parts: {
  readonly uri: string;
  /** For the log. */
  readonly issuer: string;
  readonly world: Pick<World, "fetchNamed" | "now" | "log">;
  readonly timeoutMs?: number | undefined;
}): IssuerKeys {
  const { uri, issuer, world, timeoutMs = 5_000 } = parts;
  let good: { readonly find: JWTVerifyGetKey; readonly atMs: number } | undefined;
  let tried: { readonly atMs: number; readonly failed: boolean } | undefined;
  let reading: Promise<void> | undefined;

  async function read(): Promise<void> {
    const atMs = world.now().getTime();
    try {
      const find = await fetchKeySet(uri, world.fetchNamed, timeoutMs);
      good = { find, atMs };
      if (tried?.failed === true) world.log.info({ issuer }, "issuer.keys_back");
      tried = { atMs, failed: false };
    } catch (error) {
      if (tried?.failed !== true) world.log.warn({ issuer, error: wordFor(error) }, "issuer.keys_unavailable");
      tried = { atMs, failed: true };
    }
  }

  function ageMs(of: { readonly atMs: number }): number {
    return world.now().getTime() - of.atMs;
  }

  /** Whether it is time to look again; after a clock was set back it is. */
  function isDue(last: { readonly atMs: number }, pauseMs: number): boolean {
    return ageMs(last) < 0 || ageMs(last) >= pauseMs;
  }

  /** Joins or begins a read, unless the last one began less than `pauseMs` ago. */
  async function readAgain(pauseMs: number): Promise<void> {
    if (reading === undefined && tried !== undefined && !isDue(tried, pauseMs)) return;
    reading ??= read().finally(() => {
      reading = undefined;
    });
    await reading;
  }

  async function current(): Promise<JWTVerifyGetKey> {
    if (good === undefined) await readAgain(awayMs);
    else if (isDue(good, freshMs)) {
      const again = readAgain(awayMs);
      // Nobody waits for an issuer that is known to be away.
      if (tried?.failed !== true || ageMs(good) >= lastGoodMs) await again;
    }
    if (good === undefined || ageMs(good) >= lastGoodMs) throw new errors.JWKSNoMatchingKey();
    return good.find;
  }

  return async (header, token) => {
    const find = await current();
    try {
      return await find(header, token);
    } catch (error) {
      if (!(error instanceof errors.JWKSNoMatchingKey)) throw error;
    }
    await readAgain(tried?.failed === true ? awayMs : unknownKeyMs);
    return (await current())(header, token);
  };
}

/** The platform's own words for an error of the network may hold addresses; its code does not. */
function wordFor(error: unknown): string {
  const cause = error instanceof Error && error.cause !== undefined ? error.cause : error;
  if (cause instanceof Error && "code" in cause && typeof cause.code === "string") return cause.code;
  return cause instanceof Error ? cause.message : "unknown";
}
