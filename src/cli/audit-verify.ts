import { createClosers } from "../closers.ts";
import { ServiceError } from "../errors.ts";
import { verifyRecord } from "../storage/record/verify.ts";
import { type Command, type CommandWorld, notUnderstood } from "./command.ts";
import { openDatabase, reasonOf } from "./open-database.ts";

/**
 * `audit verify [--from TIME]`: reads the whole record, or the chains written to since a time, and says of each chain
 * whether it is what was written. One JSON line per chain; 1 if anything is wrong.
 */
export const auditVerifyCommand: Command = async (args, world) => {
  const from = readFrom(args);
  if (from === "not understood") return notUnderstood;
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
): Promise<number> {
  const line = (event: string, fields: object) => print(JSON.stringify({ event, ...fields }));
  const total = await verifyRecord({
    ...options,
    onChain({ finding, ...chain }) {
      if (finding === undefined) line("audit.chain", { ...chain, ok: true });
      else line("audit.chain", { ...chain, ok: false, ...finding });
    },
    onFinding: (finding) => line("audit.finding", finding),
  });
  line("audit.verified", total);
  if (total.unchained > 0) complain(`${total.unchained} rows are older than the first chain and cannot be verified`);
  if (total.findings === 0) return 0;
  complain(`the record is not what was written: ${total.findings} findings, named above`);
  return 1;
}

function readFrom(args: readonly string[]): Date | undefined | "not understood" {
  const [flag, text = "", ...rest] = args;
  if (flag === undefined) return undefined;
  const from = new Date(text);
  const understood = flag === "--from" && rest.length === 0 && /^\d{4}-\d\d-\d\d/.test(text);
  return understood && !Number.isNaN(from.getTime()) ? from : "not understood";
}
