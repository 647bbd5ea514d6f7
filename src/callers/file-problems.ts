import type { Redact } from "../secret-shapes.ts";

/** What is wrong at one place of a file. Never repeats a secret. */
export interface FileProblem {
  /** Where: `callers[2].match.subject`, or a line. */
  readonly path: string;
  readonly wrong: string;
  /** What to write instead. */
  readonly fix: string;
}

/** A file that cannot be used. Its message lists every problem, one line each. */
export class FileRefused extends Error {
  readonly problems: readonly FileProblem[];

  constructor(what: string, problems: readonly FileProblem[], redact: Redact) {
    const lines = problems.map(({ path, wrong, fix }) => `${path}: ${wrong}; ${fix}`);
    super(redact([`${what} cannot be used:`, ...lines].join("\n  ")));
    this.name = "FileRefused";
    this.problems = problems;
  }
}

const longestShown = 60;

/** A value of the file for a message: what looks like a secret is not shown, what is long is cut. */
export function shown(value: unknown, redact: Redact): string {
  if (typeof value !== "string") return kindOf(value);
  const safe = redact(value);
  return JSON.stringify(safe.length > longestShown ? `${safe.slice(0, longestShown)}…` : safe);
}

function kindOf(value: unknown): string {
  if (value === null || value === undefined) return "nothing";
  if (value instanceof Map) return "a mapping";
  if (Array.isArray(value)) return "a list";
  return String(value);
}
