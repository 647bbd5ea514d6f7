import type { ServerResponse } from "node:http";
import { Secret } from "../../../secret.ts";
import type { WebHandler } from "../../handler.ts";
import { readQuery } from "../../query.ts";

/** 32 random bytes that the product's page made up: who knows them may look. */
const shape = /^[A-Za-z0-9_-]{43}$/;

/** What a flow is kept by; undefined for what is no name of one. */
export function flowHash(name: string): string | undefined {
  return shape.test(name) ? new Secret(name).fingerprint() : undefined;
}

/** The name of the flow that a popup was opened for, as its address has it; undefined: it is no popup that is watched. */
export function flowOf(query: URLSearchParams): string | undefined {
  return query.get("popup") === "1" ? (query.get("flow") ?? undefined) : undefined;
}

/**
 * Leaves a popup what it was opened by: with any other policy on any answer on the way, redirects too, its browser would
 * cut it off.
 */
export function keepOpener(response: Pick<ServerResponse, "setHeader">): void {
  response.setHeader("Cross-Origin-Opener-Policy", "unsafe-none");
}

/** The same for whatever a popup is answered whose address says that it is watched. */
export const keepOpenerOfPopup: WebHandler<{ platform: string }> = (request, response, next) => {
  const query = readQuery(request);
  if (query !== undefined && flowOf(query) !== undefined) keepOpener(response);
  next();
};
