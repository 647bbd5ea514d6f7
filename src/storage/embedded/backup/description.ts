/** What a backup says about itself, in its first entry. */
export interface BackupDescription {
  /** When the copy began: everything that was answered before is in it. */
  readonly madeAt: string;
  /** The database program, with the version of Postgres and of PGlite in its words. */
  readonly database: string;
  /** The major version of Postgres, whose files they are. */
  readonly postgres: string;
  /** The last migration that the database had, by when that was made; null: it had none. */
  readonly migratedTo: number | null;
  /** `settings`: the service has it from TOKEN_ENCRYPTION_KEY. */
  readonly encryptionKey: "inside" | "settings" | "left out";
}

/** How the entries of a backup are laid out. */
const format = 1;

export function formatDescription(description: BackupDescription): Buffer {
  return Buffer.from(`${JSON.stringify({ format, ...description })}\n`);
}

/** @throws Error if it is no description, or one of another format. */
export function parseDescription(text: string): BackupDescription {
  const fields = parse(text);
  if (typeof fields !== "object" || fields === null || !("format" in fields)) throw new Error("it is no backup");
  if (fields.format !== format) {
    throw new Error(
      `it has the format ${String(fields.format)}, and this version reads ${format}: use a newer version`,
    );
  }
  if (!isDescription(fields)) throw new Error("its description is damaged");
  return fields;
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

const keys: ReadonlySet<unknown> = new Set(["inside", "settings", "left out"]);

function isDescription(fields: object): fields is BackupDescription {
  const { madeAt, database, postgres, migratedTo, encryptionKey }: Record<string, unknown> = { ...fields };
  return (
    [madeAt, database, postgres].every((field) => typeof field === "string") &&
    (migratedTo === null || typeof migratedTo === "number") &&
    keys.has(encryptionKey)
  );
}
