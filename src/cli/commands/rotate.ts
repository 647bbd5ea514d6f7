import { createClosers } from "../../closers.ts";
import { ServiceError } from "../../errors.ts";
import { createRotationRecord, type ResignedRecord, resignRecord } from "../../storage/record/resign.ts";
import { reseal } from "../../storage/resealing/reseal.ts";
import type { ResealProgress } from "../../storage/resealing/tally.ts";
import type { Command, CommandWorld, Outcome } from "../command.ts";
import { type OpenedDatabase, openDatabase, reasonOf } from "./open-database.ts";

/**
 * `rotate`: seals everything stored with the first key of TOKEN_ENCRYPTION_KEY and with TOKEN_CIPHER, beside a running
 * service on Postgres, instead of one on the embedded database. One JSON line per batch on standard output.
 */
export const rotateCommand: Command = async (_given, world) => {
  const closers = createClosers();
  try {
    return await rotate(await openDatabase(world, closers), world);
  } finally {
    await closers.close();
  }
};

async function rotate({ database, sealer }: OpenedDatabase, world: CommandWorld): Promise<Outcome> {
  const { now, random, print, complain, note, json } = world;
  const line = (event: string, fields: object) => {
    if (json) note({ event, ...fields });
    else print(JSON.stringify({ event, ...fields }));
  };
  const signer = sealer.recordSigner;
  const rotation = createRotationRecord({ database, signer, now, random }, sealer.keyIds[0] ?? "");
  const startedAt = now();
  let resealed = 0;
  let end: ResealProgress;
  let record: ResignedRecord;
  try {
    end = await reseal({
      database,
      sealer,
      onBegin: rotation.begun,
      onUnreadable: (row) => line("rotate.unreadable", row),
      onBatch(progress) {
        resealed = progress.resealed;
        line("rotate.batch", shown(progress));
      },
    });
    record = await resignRecord(database, signer, rotation.begun);
    await rotation.ended(resealed);
  } catch (error) {
    if (!(error instanceof ServiceError)) throw error;
    throw new Error(`stopped after ${resealed} rows, run it again to go on: ${reasonOf(error)}`, { cause: error });
  }
  const seconds = (now().getTime() - startedAt.getTime()) / 1000;
  const rowsPerSecond = Math.round(end.resealed / Math.max(seconds, 0.001));
  if (record.resigned + record.unverifiable > 0) line("rotate.record", record);
  line("rotate.done", { ...shown(end), seconds, rowsPerSecond });
  const problems = problemsOf(end, record);
  for (const problem of problems) complain(problem);
  return { code: problems.length === 0 ? 0 : 1, result: { ...shown(end), seconds, rowsPerSecond, record } };
}

function shown({ rowsByKey, ...figures }: ResealProgress) {
  return { ...figures, rowsByKey: Object.fromEntries(rowsByKey) };
}

function problemsOf({ unreadable, left }: ResealProgress, { unverifiable }: ResignedRecord): readonly string[] {
  const others = left - unreadable;
  const closed =
    `${rows(unreadable)} cannot be opened and stayed as before: add the keys with the ids named above to ` +
    "TOKEN_ENCRYPTION_KEY, not in the first place, and run it again; or connect these installations again";
  const foreign =
    `${rows(others)} came under another key or cipher meanwhile: give every replica this TOKEN_ENCRYPTION_KEY and ` +
    "TOKEN_CIPHER, and run it again";
  const unsigned =
    `the signature of ${unverifiable} of the record's chains cannot be checked, and was not made anew: ` +
    "run oauth-token-service audit verify, which says why";
  return [
    ...(unreadable > 0 ? [closed] : []),
    ...(others > 0 ? [foreign] : []),
    ...(unverifiable > 0 ? [unsigned] : []),
  ];
}

function rows(count: number): string {
  return count === 1 ? "1 row" : `${count} rows`;
}
