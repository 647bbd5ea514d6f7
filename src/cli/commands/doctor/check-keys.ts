import { createKeyUsage } from "../../../storage/resealing/key-usage.ts";
import { type OpenedDatabase, reasonOf } from "../open-database.ts";
import { type Finding, findingsOf } from "./finding.ts";

const finding = findingsOf("keys");

/** Whether the configured keys open what is stored. */
export async function checkKeys(opened: OpenedDatabase | undefined): Promise<readonly Finding[]> {
  if (opened === undefined) return [finding("skipped", "there is no database to hold them against")];
  try {
    const facts = await createKeyUsage(opened).inspect(true);
    const { configured, rowsByKey, missing, missingForEvents, unused, canaryOpens } = facts;
    const rows = missing.reduce((sum, id) => sum + (rowsByKey.get(id) ?? 0), 0);
    const found = [
      ...(canaryOpens
        ? []
        : [
            finding(
              "failed",
              "none of TOKEN_ENCRYPTION_KEY opens what this database was begun with",
              "set the key it had",
            ),
          ]),
      ...(missing.length === 0
        ? []
        : [
            finding(
              "failed",
              `${rows} credentials are sealed with keys that are not configured: ${missing.join(", ")}`,
              "add these keys to TOKEN_ENCRYPTION_KEY again, not in the first place",
            ),
          ]),
      ...(missingForEvents.length === 0
        ? []
        : [
            finding(
              "warning",
              `events wait under keys that are not configured: ${missingForEvents.join(", ")}`,
              "add these keys again; without them these events are gone after seven days",
            ),
          ]),
    ];
    if (found.length > 0) return found;
    const spare = unused.length === 0 ? "" : `; ${unused.join(", ")} may be removed`;
    return [finding("ok", `${configured[0] ?? "the first one"} seals, and all that is stored can be opened${spare}`)];
  } catch (error) {
    return [finding("failed", `they could not be held against the database: ${reasonOf(error)}`)];
  }
}
