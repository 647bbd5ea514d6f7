import { createClosers } from "../../closers.ts";
import { ServiceError } from "../../errors.ts";
import { verifyRecord } from "../../storage/record/verify.ts";
import type { Command, CommandWorld, Outcome } from "../command.ts";
import { openDatabase, reasonOf } from "./open-database.ts";
import { readTime } from "./read-time.ts";

/**
 * `audit verify [--from TIME]`: reads the whole record, or the chains written to since a time, and says of each chain
 * whether it is what was written. One JSON line per chain; 1 if anything is wrong.
 */
export const auditVerifyCommand: Command<readonly [], "from"> = async ({ values }, world) => {
  const from = readTime("from", values.from);
  const closers = createClosers();
  try {
    const { database, sealer } = await openDatabase(world, closers);
    return await verify({ database, signer: sealer.recordSigner, from }, world);
  } catch (error) {
    if (!(error instanceof ServiceError)) throw error;
    throw new Error(`the record was not verified to its end: ${reasonOf(error)}`, { cause: error });
  } finally {
    await closers.close();
  }
};

async function verify(
  options: Pick<Parameters<typeof verifyRecord>[0], "database" | "signer" | "from">,
  { print, complain }: CommandWorld,
): Promise<Outcome> {
  // A chain for each start of each replica: few enough to be kept.
  const chains: object[] = [];
  const others: object[] = [];
  const line = (event: string, fields: object) => print(JSON.stringify({ event, ...fields }));
  const total = await verifyRecord({
    ...options,
    onChain({ finding, ...chain }) {
      const read = { ...chain, ok: finding === undefined, ...finding };
      chains.push(read);
      line("audit.chain", read);
    },
    onFinding(finding) {
      others.push(finding);
      line("audit.finding", finding);
    },
  });
  line("audit.verified", total);
  if (total.unchained > 0) complain(`${total.unchained} rows are older than the first chain and cannot be verified`);
  const result = { ...total, read: chains, beside: others };
  if (total.findings === 0) return { code: 0, result };
  complain(`the record is not what was written: ${total.findings} findings, named above`);
  return { code: 1, result };
}
