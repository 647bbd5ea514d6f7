import type { Request } from "express";

/** A request body by its declared content type. */
export type RequestBody =
  | { readonly kind: "json"; readonly value: unknown }
  | { readonly kind: "form"; readonly fields: URLSearchParams }
  | { readonly kind: "none" }
  /** Another content type, or JSON that does not parse. */
  | { readonly kind: "unreadable" };

export type TextFields = Readonly<Record<string, string>>;

export function readBody(request: Request): RequestBody {
  const text: unknown = request.body;
  if (typeof text !== "string" || text === "") return { kind: "none" };
  if (request.is("application/x-www-form-urlencoded")) return { kind: "form", fields: new URLSearchParams(text) };
  if (!request.is(["application/json", "+json"])) return { kind: "unreadable" };
  try {
    return { kind: "json", value: JSON.parse(text) };
  } catch {
    return { kind: "unreadable" };
  }
}

/** The text fields of a form, or of a JSON object; a field sent twice is left out, as it is ambiguous. */
export function textFields(body: RequestBody): TextFields {
  const fields: Record<string, string> = {};
  if (body.kind === "form") {
    for (const name of new Set(body.fields.keys())) {
      const [value, ...more] = body.fields.getAll(name);
      if (value !== undefined && more.length === 0) fields[name] = value;
    }
  } else if (body.kind === "json" && isRecord(body.value)) {
    for (const [name, value] of Object.entries(body.value)) if (typeof value === "string") fields[name] = value;
  }
  return fields;
}

export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
