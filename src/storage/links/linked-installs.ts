import { and, eq, gt, inArray, sql } from "drizzle-orm";
import type { LinkedInstalls } from "../../domain/connecting/linked-installs.ts";
import { fetchSeconds } from "../../domain/links/link-code.ts";
import type { Installation } from "../../domain/model/installation.ts";
import type { Queries } from "../database.ts";
import { type ConnectTools, connect } from "../installations/connect.ts";
import { toInstallation, viewInstallations } from "../installations/rows.ts";
import type { RecordedTransaction } from "../record/recorded-transaction.ts";
import { installations, linkAccounts, linkCodes } from "../schema.ts";

export function createLinkedInstalls(
  tools: ConnectTools & { readonly recorded: RecordedTransaction; readonly now: () => Date },
): LinkedInstalls {
  const { recorded, newId } = tools;

  return {
    connect: ({ linkCodeId, attemptId }, connection, context, record = () => []) =>
      recorded(
        async (tx) => {
          const { now } = context;
          // First of all: whoever else wants to connect it waits here, and finds it taken.
          const open = and(eq(linkCodes.id, linkCodeId), eq(linkCodes.state, "open"), gt(linkCodes.expiresAt, now));
          const accountId = newId();
          const fetchUntil = new Date(now.getTime() + fetchSeconds * 1_000);
          const [code] = await tx
            .update(linkCodes)
            .set({
              ...{ state: "connected" as const, attemptId, accountId },
              expiresAt: sql`greatest(${linkCodes.expiresAt}, ${sql.param(fetchUntil, linkCodes.expiresAt)})`,
            })
            .where(open)
            .returning();
          if (code === undefined) return { made: await madeBefore(tx, linkCodeId, attemptId), news: false };
          const created: string[] = [];
          const idOf = () => {
            const id = newId();
            created.push(id);
            return id;
          };
          const made = await connect(tx, connection, context, { ...tools, idOf });
          const { platform, product, owner, caller } = code;
          const { actor, externalUserId } = connection.credentials.find(({ natural }) => natural) ?? {};
          await tx.insert(linkAccounts).values({
            ...{ id: accountId, platform, product, owner, caller, actor, externalUserId, connectedAt: now },
            installationIds: made.map(({ id }) => id),
            createdIds: created,
          });
          return { made, news: true };
        },
        ({ made, news }) => (news && made !== undefined ? record(made) : []),
      ).then(({ made }) => made),
  };
}

/** What an earlier try of the same callback stored without our hearing of it. */
async function madeBefore(
  tx: Queries,
  linkCodeId: string,
  attemptId: string,
): Promise<readonly Installation[] | undefined> {
  const [account] = await tx
    .select({ ids: linkAccounts.installationIds })
    .from(linkCodes)
    .innerJoin(linkAccounts, eq(linkAccounts.id, linkCodes.accountId))
    .where(and(eq(linkCodes.id, linkCodeId), eq(linkCodes.attemptId, attemptId)));
  if (account === undefined) return undefined;
  const rows = await viewInstallations(tx).where(inArray(installations.id, account.ids));
  const found = new Map(rows.map((row) => [row.installation.id, toInstallation(row)]));
  return account.ids.flatMap((id) => found.get(id) ?? []);
}
