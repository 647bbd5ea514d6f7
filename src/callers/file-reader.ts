import type { Redact } from "../secret-shapes.ts";
import { type FileProblem, shown as shownWith } from "./file-problems.ts";

/** Reads values of a file and remembers what is wrong, so that its author hears of everything at once. */
export interface FileReader {
  readonly problems: readonly FileProblem[];
  readonly redact: Redact;
  /** A value of the file for a message: what looks like a secret is not shown, what is long is cut. */
  shown(value: unknown): string;
  problem(path: string, wrong: string, fix: string): void;
  /** A mapping with these keys and no others. Undefined, with a problem, for anything else. */
  mapping(value: unknown, path: string, keys: readonly string[]): Mapping | undefined;
  /** A list with something in it. Undefined, with a problem, for anything else. */
  list(value: unknown, path: string, example: string): readonly unknown[] | undefined;
  /** A string that is compared as it stands. Undefined, with a problem, for anything else. */
  exact(value: unknown, path: string, example: string): string | undefined;
  /** A list of different exact strings, each of them `known` where that is given. */
  names(value: unknown, path: string, example: string, known?: readonly string[]): readonly string[] | undefined;
  /** `true` or `false`; false if it is not given. */
  flag(value: unknown, path: string): boolean;
}

export type Mapping = ReadonlyMap<string, unknown>;

const longest = 512;

export function createFileReader(redact: Redact): FileReader {
  const problems: FileProblem[] = [];

  const shown = (value: unknown) => shownWith(value, redact);

  function problem(path: string, wrong: string, fix: string): void {
    problems.push({ path, wrong, fix });
  }

  function list(value: unknown, path: string, example: string): readonly unknown[] | undefined {
    if (Array.isArray(value) && value.length > 0) return value;
    const wrong = Array.isArray(value) ? "the list is empty" : value === undefined ? "missing" : "this is not a list";
    problem(path, wrong, `write a list, such as ${example}`);
    return undefined;
  }

  function exact(value: unknown, path: string, example: string): string | undefined {
    const wrong = wrongWith(value);
    if (wrong === undefined) return value as string;
    problem(path, wrong, `write the exact value, such as ${example}`);
    return undefined;
  }

  return {
    problems,
    redact,
    shown,
    problem,
    list,
    exact,
    mapping(value, path, keys) {
      if (!(value instanceof Map)) {
        problem(path, value === undefined ? "missing" : "this is not a mapping", `write ${keys.join(", ")} under it`);
        return undefined;
      }
      for (const key of value.keys()) {
        // A key that no path is misread by stands in it as it is.
        const bare = /^[\w-]{1,40}$/.test(key) ? key : shown(key);
        if (!keys.includes(key)) problem(`${path}.${bare}`, "unknown key", `the known ones are ${keys.join(", ")}`);
      }
      return value;
    },
    names(value, path, example, known) {
      const found = list(value, path, example)?.flatMap((item, index) => {
        const name = exact(item, `${path}[${index}]`, example);
        return name === undefined ? [] : [{ name, at: `${path}[${index}]` }];
      });
      const seen = new Set<string>();
      for (const { name, at } of found ?? []) {
        if (seen.has(name)) problem(at, `${shown(name)} stands twice`, "keep one of them");
        if (known !== undefined && !known.includes(name)) {
          problem(at, `${shown(name)} is unknown`, `the known ones are ${known.join(", ")}`);
        }
        seen.add(name);
      }
      return found === undefined ? undefined : [...seen];
    },
    flag(value, path) {
      if (value === undefined || typeof value === "boolean") return value ?? false;
      problem(path, `${shown(value)} is neither true nor false`, "write true, or leave it out");
      return false;
    },
  };
}

function wrongWith(value: unknown): string | undefined {
  if (value === undefined || value === null) return "missing";
  if (typeof value !== "string") return "this is not text (put numbers and the like in quotes)";
  if (value.includes("*"))
    return "values are compared as they stand, and * would only match itself: there are no patterns";
  if (value === "" || value.length > longest) return `this is not text of 1 to ${longest} characters`;
  if (value.trim() !== value || /\p{Cc}/u.test(value)) return "there are blanks around it, or control characters in it";
  return undefined;
}
