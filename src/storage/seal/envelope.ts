import { Secret } from "../../secret.ts";
import type { Place } from "./place.ts";

/** What is sealed where the cipher has no associated data: the value together with the place it belongs to, as JSON. */
export function putInEnvelope({ table, row, column }: Place, value: Secret): string {
  return JSON.stringify({ table, row, column, value: value.reveal() });
}

/** The value; undefined if the text is no envelope or names another place. */
export function takeFromEnvelope(place: Place, text: string): Secret | undefined {
  const envelope = parse(text);
  if (typeof envelope !== "object" || envelope === null) return undefined;
  if (!("table" in envelope && "row" in envelope && "column" in envelope && "value" in envelope)) return undefined;
  const { table, row, column, value } = envelope;
  if (table !== place.table || row !== place.row || column !== place.column) return undefined;
  return typeof value === "string" ? new Secret(value) : undefined;
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
