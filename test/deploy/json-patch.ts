/** One operation of RFC 6902, of those that the overlays use. */
export interface Operation {
  readonly op: "add" | "replace" | "remove" | "test";
  readonly path: string;
  readonly value?: unknown;
}

/** Applies them in place. @throws Error where a path leads nowhere, or a test fails. */
export function applyPatch(document: unknown, operations: readonly Operation[]): void {
  for (const operation of operations) apply(document, operation);
}

function apply(document: unknown, { op, path, value }: Operation): void {
  const steps = path.split("/").slice(1);
  const last = steps.pop() ?? "";
  const parent = steps.reduce(childOf, document);
  if (Array.isArray(parent)) {
    const index = last === "-" ? parent.length : Number(last);
    if (index > parent.length || (op !== "add" && index === parent.length))
      throw new Error(`${op}: nothing at ${path}`);
    if (op === "add") parent.splice(index, 0, value);
    else if (op === "remove") parent.splice(index, 1);
    else if (op === "replace") parent[index] = value;
    else expectSame(parent[index], value, path);
    return;
  }
  if (!isRecord(parent) || (op !== "add" && !(last in parent))) throw new Error(`${op}: nothing at ${path}`);
  if (op === "remove") delete parent[last];
  else if (op === "test") expectSame(parent[last], value, path);
  else parent[last] = value;
}

function childOf(parent: unknown, step: string): unknown {
  const child = Array.isArray(parent) ? parent[Number(step)] : isRecord(parent) ? parent[step] : undefined;
  if (child === undefined) throw new Error(`nothing at ${step}`);
  return child;
}

function expectSame(found: unknown, value: unknown, path: string): void {
  if (JSON.stringify(found) !== JSON.stringify(value)) throw new Error(`${path} is ${JSON.stringify(found)}`);
}

export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
