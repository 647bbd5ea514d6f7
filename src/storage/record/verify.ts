import { asc, eq, gt } from "drizzle-orm";
import type { Database } from "../database.ts";
import { auditChains } from "../schema.ts";
import type { SignatureCheck, Signer } from "../seal/signer.ts";
import { type ChainRow, checkAnchor, checkHead } from "./chains.ts";
import { beginning, checkLink, type Finding, isFinding, readLinks } from "./check.ts";
import { checkForgotten, createIsForgotten, type IsForgotten, readForgotten } from "./forgotten-chains.ts";
import { createSightings, type Sightings } from "./sightings.ts";
import { countRows, countUnchained, findExtraRow, findStrayRows } from "./stray-rows.ts";

export interface VerifyOptions {
  readonly database: Database;
  readonly signer: Signer;
  /** Follows only chains that were written to at this time or later. All heads are checked, and all rows counted. */
  readonly from?: Date | undefined;
  /** Told of every chain as soon as it is read. */
  readonly onChain: (report: ChainReport) => void;
  /** Told of what is wrong beside the chains that were followed: rows of no chain, chains that are gone. */
  readonly onFinding: (finding: Finding) => void;
  /** Rows in memory at once. Default 1,000. */
  readonly pageRows?: number | undefined;
}

export interface ChainReport {
  readonly chainId: string;
  readonly startedAt: Date;
  /** Rows that are in order. */
  readonly rows: number;
  /** The last row of those that were pruned; 0: none was. */
  readonly prunedSequence: number;
  readonly finding: Finding | undefined;
}

export interface Verification {
  readonly chains: number;
  readonly rows: number;
  readonly findings: number;
  /** Rows from before there were chains: nothing can be said about them. */
  readonly unchained: number;
}

/**
 * Reads the whole record, chain by chain and in order, with bounded memory, beside services that write it.
 * @throws ServiceError SERVICE_UNAVAILABLE.
 */
export async function verifyRecord(options: VerifyOptions): Promise<Verification> {
  const { database, signer, from, onChain, onFinding, pageRows = 1_000 } = options;
  const total = { chains: 0, rows: 0, findings: 0 };
  const report = (finding: Finding) => {
    total.findings++;
    onFinding(finding);
  };
  const forgotten = await readForgotten(database);
  if (forgotten !== undefined) {
    const { through, keyId } = forgotten;
    const finding = signatureFinding(through, "mark of forgotten chains", keyId, checkForgotten(forgotten, signer));
    if (finding !== undefined) report(finding);
  }
  const isForgotten = createIsForgotten(database, signer);
  const sightings = createSightings({ database, isForgotten, report });
  const { miscounted, headless } = await countRows(database);
  let after: string | undefined;
  do {
    const chains = await readChains(database, after);
    for (const chain of chains) {
      // When it was written to is believed of a head that this service signed, and of no other.
      const signed = checkSignatures(chain, signer) === undefined;
      if (from !== undefined && signed && chain.updatedAt < from) continue;
      const read = await verifyChain({ database, signer, sightings, isForgotten, miscounted, pageRows }, chain);
      miscounted.delete(chain.id);
      if (read === undefined) continue;
      total.chains++;
      total.rows += read.rows;
      if (read.finding !== undefined) total.findings++;
      onChain(read);
    }
    after = chains.at(-1)?.id;
  } while (after !== undefined);
  for (const finding of [...miscounted.values(), ...headless]) report(finding);
  for (const finding of await findStrayRows(database)) report(finding);
  return { ...total, unchained: await countUnchained(database) };
}

interface Tools {
  readonly database: Database;
  readonly signer: Signer;
  readonly sightings: Sightings;
  readonly isForgotten: IsForgotten;
  readonly miscounted: ReadonlyMap<string, Finding>;
  readonly pageRows: number;
}

/** Undefined for a chain that was forgotten meanwhile. */
async function verifyChain(tools: Tools, chain: ChainRow): Promise<ChainReport | undefined> {
  const { rows, finding } = await followRows(tools, chain);
  if (finding?.flaw === "missing" || finding?.flaw === "truncated") {
    const now = await readChain(tools.database, chain.id);
    if (now === undefined && (await tools.isForgotten(chain.id))) return undefined;
    // What was pruned meanwhile is not missing.
    if (now !== undefined && now.prunedSequence > chain.prunedSequence) return verifyChain(tools, now);
  }
  const { id: chainId, startedAt, prunedSequence } = chain;
  const found =
    finding ??
    checkSignatures(chain, tools.signer) ??
    (await findExtraRow(tools.database, chainId)) ??
    tools.miscounted.get(chainId);
  return { chainId, startedAt, rows, prunedSequence, finding: found };
}

async function followRows(
  { database, sightings, pageRows }: Tools,
  chain: ChainRow,
): Promise<{ readonly rows: number; readonly finding: Finding | undefined }> {
  const { id: chainId, lastSequence: through, headHash } = chain;
  let last = beginning(chain);
  const rows = () => last.sequence - chain.prunedSequence;
  const read = async (after: number) =>
    after < through ? readLinks(database, chainId, { after, through, limit: pageRows }) : [];
  for (let next = read(last.sequence); last.sequence < through; ) {
    const page = await next;
    // The next page is on its way while this one is checked.
    next = read(page.at(-1)?.sequence ?? through);
    next.catch(() => undefined);
    for (const row of page) {
      const checked = checkLink(row, chainId, last);
      if (isFinding(checked)) return { rows: rows(), finding: checked };
      last = checked;
    }
    await sightings.check(page);
    if (page.length === 0) {
      const sequence = last.sequence + 1;
      const why = `rows ${sequence} to ${through} are gone`;
      return { rows: rows(), finding: { flaw: "truncated", chainId, sequence, why } };
    }
  }
  if (last.hash === headHash) return { rows: rows(), finding: undefined };
  const why = "its head names another row as the last one";
  return { rows: rows(), finding: { flaw: "changed", chainId, sequence: last.sequence, why } };
}

function checkSignatures(chain: ChainRow, signer: Signer): Finding | undefined {
  return (
    signatureFinding(chain.id, "head", chain.keyId, checkHead(chain, signer)) ??
    signatureFinding(chain.id, "anchor", chain.prunedKeyId, checkAnchor(chain, signer))
  );
}

function signatureFinding(
  chainId: string,
  what: "head" | "anchor" | "mark of forgotten chains",
  keyId: string | null,
  check: SignatureCheck,
): Finding | undefined {
  switch (check) {
    case "valid":
      return undefined;
    case "forged":
      return { flaw: "forged", chainId, why: `its ${what} was not signed by this service` };
    case "unknown_key":
      return {
        flaw: "unverifiable",
        chainId,
        why: `its ${what} is signed with key ${keyId}, which is not in the ring`,
      };
  }
}

function readChains(database: Database, after: string | undefined) {
  return database.read((db) =>
    db
      .select()
      .from(auditChains)
      .where(after === undefined ? undefined : gt(auditChains.id, after))
      .orderBy(asc(auditChains.id))
      .limit(500),
  );
}

async function readChain(database: Database, id: string): Promise<ChainRow | undefined> {
  const [chain] = await database.read((db) => db.select().from(auditChains).where(eq(auditChains.id, id)));
  return chain;
}
