import type { WebHandler } from "../handler.ts";
import { readQuery } from "../query.ts";

/** How the parts of the service are: `database`, `keys`, `clock`, `platforms`. Never a secret. */
export interface Health {
  /** Whether requests can be served. */
  readonly ok: boolean;
  readonly parts: Readonly<Record<string, unknown>>;
}

export type ReadHealth = () => Promise<Health>;

/** `GET /health`: that we are alive; with `?full=1` also how the parts are, and 503 if they cannot serve. */
export function internalHealthRoute(readHealth: ReadHealth): WebHandler {
  return async (request, response) => {
    if (readQuery(request)?.get("full") !== "1") {
      response.json({ status: "ok" });
      return;
    }
    const { ok, parts } = await readHealth();
    response.status(ok ? 200 : 503).json({ status: ok ? "ok" : "unavailable", ...parts });
  };
}
