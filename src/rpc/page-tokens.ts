import { createHash } from "node:crypto";
import type { Position } from "../domain/model/installation.ts";
import { invalidField } from "../errors.ts";

/** Makes text that nobody else can make or read, good for a URL. `open` gives undefined for whatever is not ours. */
export interface PageSealer {
  seal(plain: string): string;
  open(text: string): string | undefined;
}

/** What a page belongs to: the RPC, the caller and every filter, in one order. */
export type ListKey = readonly (string | number | undefined)[];

/** Places in a list, as callers carry them from page to page. */
export interface PageTokens {
  /** The empty text after the last page. */
  write(position: Position | undefined, list: ListKey): string;
  /**
   * Undefined for the first page.
   * @throws ServiceError INVALID_REQUEST for a token that is not ours or belongs to another list or caller.
   */
  read(token: string, list: ListKey): Position | undefined;
}

export function createPageTokens(sealer: PageSealer): PageTokens {
  return {
    write(position, list) {
      if (position === undefined) return "";
      const { createdAt, id } = position;
      return sealer.seal(JSON.stringify([createdAt.getTime(), id, hashOfList(list)]));
    },

    read(token, list) {
      if (token === "") return undefined;
      const [createdAtMs, id, listHash] = parseSealed(sealer.open(token));
      if (typeof createdAtMs !== "number" || typeof id !== "string") {
        throw invalidField("page_token", "must be the next_page_token of a previous response");
      }
      if (listHash !== hashOfList(list)) {
        throw invalidField("page_token", "belongs to a request with other filters, or of another caller");
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

export function hashOfList(list: ListKey): string {
  const fields = list.map((field) => field ?? null);
  return createHash("sha256").update(JSON.stringify(fields)).digest("base64url").slice(0, 22);
}

/** The fields of what was sealed; none where it is not ours. */
export function parseSealed(plain: string | undefined): unknown[] {
  if (plain === undefined) return [];
  try {
    const value: unknown = JSON.parse(plain);
    return Array.isArray(value) ? value : [];
  } catch {
    return [];
  }
}
