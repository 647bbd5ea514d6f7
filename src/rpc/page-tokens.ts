import { createHash } from "node:crypto";
import type { InstallationFilter, Position } from "../domain/installation.ts";
import { invalidField } from "../errors.ts";

/** Makes text that nobody else can make or read, good for a URL. `open` gives undefined for whatever is not ours. */
export interface Sealer {
  seal(plain: string): string;
  open(text: string): string | undefined;
}

/** Places in a list, as callers carry them from page to page. */
export interface PageTokens {
  write(position: Position, filter: InstallationFilter): string;
  /**
   * Undefined for the first page.
   * @throws ServiceError INVALID_REQUEST for a token that is not ours or belongs to another filter.
   */
  read(token: string, filter: InstallationFilter): Position | undefined;
}

export function createPageTokens(sealer: Sealer): PageTokens {
  return {
    write: ({ createdAt, id }, filter) => sealer.seal(JSON.stringify([createdAt.getTime(), id, hash(filter)])),

    read(token, filter) {
      if (token === "") return undefined;
      const [createdAtMs, id, filterHash] = parse(sealer.open(token));
      if (typeof createdAtMs !== "number" || typeof id !== "string") {
        throw invalidField("page_token", "must be the next_page_token of a previous response");
      }
      if (filterHash !== hash(filter)) {
        throw invalidField("page_token", "belongs to a request with other filters");
      }
      return { createdAt: new Date(createdAtMs), id };
    },
  };
}

const defaultPageSize = 50;
const maxPageSize = 500;

/** How many a page holds; the request's size is not negative. */
export function pageSize(requested: number): number {
  return requested === 0 ? defaultPageSize : Math.min(requested, maxPageSize);
}

function hash(filter: InstallationFilter): string {
  const { platform, status, externalOrgId, externalInstallId, owner } = filter;
  const fields = [platform, status, externalOrgId, externalInstallId, owner].map((field) => field ?? null);
  return createHash("sha256").update(JSON.stringify(fields)).digest("base64url").slice(0, 22);
}

function parse(plain: string | undefined): unknown[] {
  if (plain === undefined) return [];
  try {
    const value: unknown = JSON.parse(plain);
    return Array.isArray(value) ? value : [];
  } catch {
    return [];
  }
}
