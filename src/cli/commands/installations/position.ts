import { UsageError } from "../../command.ts";

/** Where a list goes on: after this one. */
interface Position {
  readonly createdAt: Date;
  readonly id: string;
}

/** The place as it is given to `--after`. */
export function writePosition({ createdAt, id }: Position): string {
  return `${createdAt.getTime()}.${id}`;
}

/** @throws UsageError. */
export function readPosition(text: string | undefined): Position | undefined {
  if (text === undefined) return undefined;
  const [, ms, id] = /^(\d{1,15})\.([\da-f]{8}(?:-[\da-f]{4}){3}-[\da-f]{12})$/.exec(text) ?? [];
  if (ms !== undefined && id !== undefined) return { createdAt: new Date(Number(ms)), id };
  throw new UsageError(`--after ${JSON.stringify(text)} is no place in the list`, "take what the list before said");
}
