import { createHash, randomBytes } from "node:crypto";
import { drizzle } from "drizzle-orm/pglite";
import { Secret } from "../../../../src/secret.ts";
import type { Database } from "../../../../src/storage/database.ts";
import { verifyRecord } from "../../../../src/storage/record/verify.ts";
import { parseKeyRing } from "../../../../src/storage/seal/key-ring.ts";
import { createSealer, type Sealer } from "../../../../src/storage/seal/sealer.ts";
import { dataDirectory, type Fact } from "./recorded-run.ts";
import type { RestartedProgram } from "./restarted-program.ts";
import type { DiskImage } from "./simulated-disk.ts";

/** Starts on a disk as a service would, and compares what is there with what was answered. Gives what is wrong. */
export async function checkImage(
  disk: DiskImage,
  facts: readonly Fact[],
  program: RestartedProgram,
): Promise<readonly string[]> {
  const root = disk.entries(disk.entries(0)?.get(dataDirectory) ?? none);
  const database = root?.get("db");
  const key = root?.get("encryption.key");
  const keyText = key === undefined ? undefined : Buffer.from(disk.bytes(key)).toString();
  if (database === undefined) {
    // A first start begins again, and goes on with a key that is there.
    if (keyText !== undefined) parseKeyRing(new Secret(keyText.trim()));
    return facts.map((fact) => `there is no database, and ${JSON.stringify(fact)} was answered`);
  }
  if (keyText === undefined) return ["there is a database, and no key"];
  const keys = parseKeyRing(new Secret(keyText.trim()));
  const sealer = createSealer({ keys, cipher: "fernet", now: () => new Date(), random: randomBytes });
  const client = program.start(disk, database);
  const { rows } = await client.query<{ made: boolean }>("select to_regclass('meta') is not null as made");
  // A start migrates before it answers.
  if (rows[0]?.made !== true)
    return facts.map((fact) => `there are no tables, and ${JSON.stringify(fact)} was answered`);
  const found = await read(client);
  const problems = facts.flatMap((fact) => missing(fact, facts, found, sealer));

  const db = drizzle(client);
  const run: Database["read"] = (work) => work(db);
  const tables: Database = { read: run, write: run, transaction: run };
  await verifyRecord({
    ...{ database: tables, signer: sealer.recordSigner, onChain: ({ finding }) => note(finding), onFinding: note },
  });
  function note(finding: object | undefined): void {
    if (finding !== undefined) problems.push(`the record: ${JSON.stringify(finding)}`);
  }
  await client.query("update meta set value = value");
  return problems;
}

const none = -1;

interface CredentialRow {
  readonly installation_id: string;
  readonly id: string;
  readonly access_token: string | null;
}

interface Found {
  readonly statuses: ReadonlyMap<string, string>;
  /** By the installation they serve. */
  readonly credentials: ReadonlyMap<string, CredentialRow>;
  readonly issued: ReadonlySet<string>;
}

type Client = ReturnType<RestartedProgram["start"]>;

async function read(client: Client): Promise<Found> {
  const rows = async <T>(text: string) => (await client.query<T>(text)).rows;
  const installations = await rows<{ id: string; status: string }>("select id, status from installations");
  const credentials = await rows<CredentialRow>(
    `select l.installation_id, c.id, c.access_token from credentials c
       join installation_credentials l on l.credential_id = c.id where l.natural`,
  );
  const issued = await rows<{ token_fingerprint: string }>(
    "select token_fingerprint from audit_events where kind = 'token.issued'",
  );
  return {
    statuses: new Map(installations.map(({ id, status }) => [id, status])),
    credentials: new Map(credentials.map((row) => [row.installation_id, row])),
    issued: new Set(issued.map((row) => row.token_fingerprint)),
  };
}

function missing(fact: Fact, facts: readonly Fact[], found: Found, sealer: Sealer): readonly string[] {
  const status = found.statuses.get(fact.installation);
  if (status === undefined) return [`installation ${fact.installation} is gone (${fact.kind})`];
  switch (fact.kind) {
    case "installed":
      return [];
    case "revoked":
      return status === "revoked" ? [] : [`installation ${fact.installation} is ${status}, and was revoked`];
    case "handed out": {
      const unrecorded = found.issued.has(fact.tokenId) ? [] : [`token ${fact.tokenId} is not on record`];
      const ofSame = facts.flatMap((one) =>
        one.kind === "handed out" && one.installation === fact.installation ? [one.tokenId] : [],
      );
      // A revocation under way may have taken the token away. Later ones may be stored that nobody was told of yet.
      if (status === "revoked" || fact.tokenId !== ofSame.at(-1)) return unrecorded;
      const kept = found.credentials.get(fact.installation);
      const stored = kept?.access_token ? tokenIdOf(sealer, kept.id, kept.access_token) : undefined;
      const older = stored === undefined || ofSame.slice(0, -1).includes(stored);
      return older ? [...unrecorded, `the token kept for ${fact.installation} is an older one`] : unrecorded;
    }
  }
}

function tokenIdOf(sealer: Sealer, id: string, text: string): string {
  const token = sealer.open({ table: "credentials", row: id, column: "access_token" }, text);
  return createHash("sha256").update(token.reveal()).digest("hex");
}
