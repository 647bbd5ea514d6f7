/** What the log may know of an error: never its message, which may hold bound values of a statement or a reply. */
export interface DescribedError {
  readonly name: string;
  readonly code?: string;
  /** Where it was thrown: frames only, and dependencies left out where they have files of their own. */
  readonly stack?: readonly string[];
  readonly cause?: DescribedError;
}

const maxDepth = 4;

/** Names, codes and frames of an error and its causes. */
export function describeError(error: unknown, depth = 0): DescribedError {
  if (!(error instanceof Error)) return { name: typeof error };
  const code = "code" in error ? codeOf(error.code) : undefined;
  const stack = framesOf(error);
  return {
    name: error.name,
    ...(code === undefined ? {} : { code }),
    ...(stack.length === 0 ? {} : { stack }),
    ...(error.cause === undefined || depth === maxDepth ? {} : { cause: describeError(error.cause, depth + 1) }),
  };
}

function codeOf(code: unknown): string | undefined {
  return (typeof code === "string" && /^\w{1,64}$/.test(code)) || typeof code === "number" ? String(code) : undefined;
}

function framesOf(error: Error): string[] {
  // The message comes first and may have lines of its own that look like frames.
  const text = error.stack ?? "";
  const start = text.indexOf(error.message);
  const frames = start === -1 ? text : text.slice(start + error.message.length);
  return frames
    .split("\n")
    .map((line) => line.trim())
    .filter((line) => line.startsWith("at ") && !line.includes("node_modules") && !line.includes("(node:"))
    .slice(0, 8);
}
