import type { ProtectionGap } from "../storage/record/protection.ts";
import type { Log } from "../world.ts";

/** What to do about a record that this process could change. */
export const protectionAdvice: Readonly<Record<ProtectionGap | "embedded", string>> = {
  embedded: "the embedded database cannot be kept from changing its own record; set DATABASE_URL",
  superuser: "DATABASE_URL names a superuser: run the service as a role of its own (docs/operations.md)",
  owner: "DATABASE_URL names the owner of the tables: run the service as a role of its own (docs/operations.md)",
  privileges: "the role of DATABASE_URL may change the record: see docs/operations.md for what it needs",
};

/** Says at start where the record is only protected from mistakes, not from this process. */
export async function reportRecord(options: {
  readonly embedded: boolean;
  readonly findGap: () => Promise<ProtectionGap | undefined>;
  readonly log: Log;
}): Promise<void> {
  const { embedded, findGap, log } = options;
  try {
    const gap = embedded ? "embedded" : await findGap();
    if (gap !== undefined) log.warn({ gap, advice: protectionAdvice[gap] }, "audit.not_append_only");
  } catch (error) {
    log.warn({ error: error instanceof Error ? error.name : "unknown" }, "audit.not_inspected");
  }
}
