import { eq } from "drizzle-orm";
import type { LinkAccountRepository } from "../../domain/links/link-account.ts";
import type { Database } from "../database.ts";
import { linkAccounts } from "../schema.ts";
import { isUuid } from "../uuid.ts";
import { toLinkAccount } from "./rows.ts";

export function createLinkAccountRepository(database: Database): LinkAccountRepository {
  return {
    async find(id) {
      if (!isUuid(id)) return undefined;
      const [found] = await database.read((db) => db.select().from(linkAccounts).where(eq(linkAccounts.id, id)));
      return found && toLinkAccount(found);
    },
  };
}
