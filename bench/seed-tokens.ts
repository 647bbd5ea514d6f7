import { randomBytes } from "node:crypto";
import postgres from "postgres";
import { Secret } from "../src/secret.ts";
import { parseKeyRing } from "../src/storage/seal/key-ring.ts";
import { createSealer } from "../src/storage/seal/sealer.ts";
import { encryptionKey } from "./encryption-key.ts";
import { seedInstallations } from "./seed-installations.ts";

const batch = 1_000;

/**
 * Fills an empty database with so many Slack installations whose bot tokens, sealed as the service seals them, nobody
 * was given yet. Returns the ids of the installations.
 */
export async function seedTokens(url: string, count: number): Promise<readonly string[]> {
  await seedInstallations(url, count, ["slack"]);
  const sealer = createSealer({
    keys: parseKeyRing(encryptionKey),
    cipher: "fernet",
    now: () => new Date(),
    random: randomBytes,
  });
  const sql = postgres(url, { max: 1, onnotice: () => undefined });
  try {
    await sql.unsafe("set synchronous_commit = off");
    await sql.unsafe("update installations set status = 'active' where status = 'suspended'");
    const rows = await sql<{ installation: string; credential: string }[]>`
      select installation_id as installation, credential_id as credential from installation_credentials
    `;
    for (let at = 0; at < rows.length; at += batch) {
      const sealed = rows.slice(at, at + batch).map(({ credential: id }) => ({
        id,
        ...sealer.seal({ table: "credentials", row: id, column: "access_token" }, botToken()),
      }));
      await sql`
        update credentials set access_token = text, key_id = "keyId", kind = 'rotating', issued_at = now(),
          expires_at = now() + interval '12 hours', refresh_after = now() + interval '6 hours'
        from jsonb_to_recordset(${sql.json(sealed)}) as sealed(id uuid, text text, "keyId" text)
        where credentials.id = sealed.id
      `;
    }
    await sql.unsafe("vacuum analyze");
    return rows.map(({ installation }) => installation);
  } finally {
    await sql.end();
  }
}

/** As long as Slack's. */
export const tokenLength = 171;

function botToken(): Secret {
  return new Secret(`xoxe.xoxb-1-${randomBytes(80).toString("hex")}`.slice(0, tokenLength));
}
