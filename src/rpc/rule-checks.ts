import type { Duration, Timestamp } from "@bufbuild/protobuf/wkt";
import type { FieldViolation } from "../errors.ts";

/** Collects every violation of one request. */
export type Found = FieldViolation[];

const uuidForm = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

export function uuid(found: Found, field: string, text: string): void {
  if (!uuidForm.test(text)) found.push({ field, description: "must be a UUID" });
}

/** Lengths in characters (code points), as the contract counts them. */
export function textLength(found: Found, field: string, text: string, min: number, max: number): void {
  if (text.length < min) found.push({ field, description: "must not be empty" });
  // A character takes one or two units: only what lies between has to be counted.
  if (text.length > max && (text.length > 2 * max || [...text].length > max)) {
    found.push({ field, description: `must have at most ${max} characters` });
  }
}

/** Text that a database can keep: Postgres has no NUL in a text, and makes one of all halves of characters. */
export function storable(found: Found, field: string, text: string, max: number, min = 0): void {
  textLength(found, field, text, min, max);
  if (text.includes("\0")) found.push({ field, description: "must not contain NUL" });
  if (!text.isWellFormed()) found.push({ field, description: "must be Unicode" });
}

export function definedValue(
  found: Found,
  field: string,
  value: number,
  values: Readonly<Record<number, string>>,
): void {
  if (values[value] === undefined) found.push({ field, description: "must be a value of its enum" });
}

export function maxItems(found: Found, field: string, count: number, max: number): void {
  if (count > max) found.push({ field, description: `must have at most ${max} entries` });
}

/** What a request asks of a list. */
export function pageAsked(found: Found, request: { readonly pageSize: number; readonly pageToken: string }): void {
  if (request.pageSize < 0) found.push({ field: "page_size", description: "must not be negative" });
  textLength(found, "page_token", request.pageToken, 0, 1024);
}

/** Bounds included; an absent duration breaks no rule. */
export function durationBetween(
  found: Found,
  field: string,
  duration: Duration | undefined,
  minSeconds: number,
  maxSeconds: number,
): void {
  if (duration === undefined) return;
  const nanos = duration.seconds * 1_000_000_000n + BigInt(duration.nanos);
  if (nanos < BigInt(minSeconds) * 1_000_000_000n || nanos > BigInt(maxSeconds) * 1_000_000_000n) {
    found.push({ field, description: `must be between ${minSeconds}s and ${maxSeconds}s` });
  }
}

/** From 1970 to the end of 9999; an absent time breaks no rule. */
export function validTime(found: Found, field: string, time: Timestamp | undefined): void {
  if (time === undefined) return;
  const nanos = time.seconds * 1_000_000_000n + BigInt(time.nanos);
  if (nanos < 0n || nanos > lastSecond * 1_000_000_000n) {
    found.push({ field, description: "must be between 1970 and 9999" });
  }
}

const lastSecond = 253_402_300_799n;
