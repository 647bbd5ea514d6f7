import type { AuditLog } from "../../domain/model/audit-event.ts";
import { inTurn } from "../../work/in-turn.ts";
import type { Database } from "../database.ts";
import { type ChainTools, createChainWriter, insertStep } from "./chain-writer.ts";

/** The record, as one process writes it. */
export interface ChainedAuditLog extends AuditLog {
  /** The chain it writes at the moment; undefined before the first row, and after a failed one. */
  readonly chainId: string | undefined;
}

/** Writes rows as links of a chain of this process, with nothing but themselves: what arrives meanwhile goes together. */
export function createAuditLog({ database, ...tools }: ChainTools & { readonly database: Database }): ChainedAuditLog {
  const chain = createChainWriter(tools);
  const append = inTurn((events: Parameters<AuditLog["append"]>[0]) =>
    chain.extend(events, (step) => database.write((db) => insertStep(db, step))),
  );
  return {
    append: async (events) => {
      if (events.length > 0) await append(events);
    },
    get chainId() {
      return chain.chainId;
    },
  };
}
