import type { JsonAnswer } from "../../rpc/json/json-calls.ts";

/** A message as the JSON calls answer it. */
export type Json = JsonAnswer["body"];

/** A string; empty if it is absent. */
export function textIn(json: Json, name: string): string {
  const value = json[name];
  return typeof value === "string" ? value : "";
}

export function timeIn(json: Json, name: string): Date | undefined {
  const text = textIn(json, name);
  return text === "" ? undefined : new Date(text);
}

/** A message within a message; undefined if it is absent. */
export function messageIn(json: Json, name: string): Json | undefined {
  const value = json[name];
  return isMessage(value) ? value : undefined;
}

export function messagesIn(json: Json, name: string): readonly Json[] {
  const value = json[name];
  return Array.isArray(value) ? value.filter(isMessage) : [];
}

export function textsIn(json: Json, name: string): readonly string[] {
  const value = json[name];
  return Array.isArray(value) ? value.filter((one) => typeof one === "string") : [];
}

/** A map of texts. */
export function wordsIn(json: Json, name: string): readonly (readonly [name: string, text: string])[] {
  const map = messageIn(json, name) ?? {};
  return Object.keys(map).map((key) => [key, textIn(map, key)]);
}

function isMessage(value: Json[string] | undefined): value is Json {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
