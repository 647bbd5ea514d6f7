import { and, arrayContains, eq, exists, inArray, isNull, ne, or, type SQL, sql } from "drizzle-orm";
import { alias } from "drizzle-orm/pg-core";
import type { Credential } from "../../domain/model/credential.ts";
import type { GrantInUse } from "../../domain/model/credential-repository.ts";
import { isLive } from "../conditions.ts";
import { isOpen } from "../connecting/pending-rows.ts";
import type { Queries } from "../database.ts";
import { credentials, installationCredentials, installations, pendingInstalls } from "../schema.ts";

/** See GrantInUse. The credential itself does not count. */
export async function findGrantInUse(
  db: Queries,
  own: Pick<Credential, "id" | "platform" | "actor" | "subject" | "externalUserId">,
): Promise<GrantInUse> {
  const [found] = await db
    .select({ live: othersOf(db, own), pending: pendingOf(db, own) })
    .from(sql`(select 1) as one`);
  return { live: found?.live === true, pending: found?.pending === true };
}

function othersOf(db: Queries, own: Parameters<typeof findGrantInUse>[1]): SQL<boolean> {
  const serving = and(eq(installationCredentials.credentialId, credentials.id), isLive);
  const live = db
    .select({ id: credentials.id })
    .from(credentials)
    .innerJoin(installationCredentials, eq(installationCredentials.credentialId, credentials.id))
    .innerJoin(installations, and(eq(installations.id, installationCredentials.installationId), serving))
    .where(
      and(
        eq(credentials.platform, own.platform),
        eq(credentials.status, "active"),
        ne(credentials.id, own.id),
        or(eq(credentials.subject, own.subject), own.actor === "user" ? mayBeTheSamePerson(db, own) : undefined),
      ),
    );
  return sql<boolean>`${exists(live)}`;
}

/** A person whom the platform does not name may be any other person of the same organizations. */
function mayBeTheSamePerson(db: Queries, own: Parameters<typeof findGrantInUse>[1]): SQL | undefined {
  const [link, served] = [alias(installationCredentials, "own_link"), alias(installations, "own_installation")];
  const organizations = db
    .select({ id: served.externalOrgId })
    .from(link)
    .innerJoin(served, eq(served.id, link.installationId))
    .where(eq(link.credentialId, own.id));
  const unnamed = own.externalUserId === undefined ? undefined : isNull(credentials.externalUserId);
  return and(eq(credentials.actor, "user"), unnamed, inArray(installations.externalOrgId, organizations));
}

function pendingOf(db: Queries, { platform, subject }: Parameters<typeof findGrantInUse>[1]): SQL<boolean> {
  const open = db
    .select({ id: pendingInstalls.id })
    .from(pendingInstalls)
    .where(and(eq(pendingInstalls.platform, platform), arrayContains(pendingInstalls.subjects, [subject]), isOpen));
  return sql<boolean>`${exists(open)}`;
}
