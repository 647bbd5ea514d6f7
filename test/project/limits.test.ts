import { readFile } from "node:fs/promises";
import { describe, expect, test } from "vitest";
import { allSettings } from "../../src/config/all-settings.ts";
import { constantIn } from "./constant-in.ts";
import { type Held, heldLimits } from "./held-limits.ts";

const root = new URL("../../", import.meta.url);
const page = await readFile(new URL("docs/limits.md", root), "utf8");

const units: Readonly<Record<string, number>> = {
  ...{ ms: 1, s: 1_000, min: 60_000, h: 3_600_000, days: 86_400_000 },
  ...{ KiB: 1024, MiB: 1024 * 1024 },
};

/** The rows with numbers in bold. */
const stated = page
  .split("\n")
  .filter((line) => line.startsWith("| ") && line.includes("**"))
  .map((line) => ({
    what: line.slice(2, line.indexOf(" | ")),
    numbers: [...line.matchAll(/\*\*(.+?)\*\*/g)].map((match) => read(match[1] ?? "")),
  }));

/** What `1,000`, `20 s` or `16 KiB` is, in milliseconds or bytes. */
function read(text: string): number {
  const [number = "", unit] = text.split(" ");
  return Number(number.replaceAll(",", "")) * (unit === undefined ? 1 : (units[unit] ?? Number.NaN));
}

/** What is held, in milliseconds or bytes: constants of a file, or what an unset setting is. */
async function valuesOf(held: Held): Promise<readonly number[]> {
  if (typeof held !== "string") {
    const [file, ...names] = held;
    const text = await readFile(new URL(file, root), "utf8");
    return names.map((name) => constantIn(text, name));
  }
  const value = Number(allSettings.find(({ name }) => name === held)?.default);
  if (held.endsWith("_SECONDS")) return [value * 1_000];
  return [held.endsWith("_DAYS") ? value * 86_400_000 : value];
}

describe("docs/limits.md", () => {
  test("every number in bold is held", () => {
    expect(stated.map(({ what }) => what).sort()).toEqual(Object.keys(heldLimits).sort());
  });

  test.each(Object.entries(heldLimits))("%s", async (what, held) => {
    const values = await Promise.all(held.map(valuesOf));
    expect(stated.find((row) => row.what === what)?.numbers).toEqual(values.flat());
  });
});
