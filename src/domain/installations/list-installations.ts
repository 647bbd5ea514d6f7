import { ServiceError } from "../../errors.ts";
import type { Access } from "../access/access.ts";
import type { Installation } from "../model/installation.ts";
import type { Platforms } from "../model/platform.ts";
import type { InstallationRepository } from "../model/repositories.ts";
import { checkPlatform } from "../tokens/select-installation.ts";
import type { UseCases } from "../use-cases.ts";

/** The use case behind ListInstallations: one page, newest first. */
export function createListInstallations(
  installations: InstallationRepository,
  platforms: Platforms,
): UseCases["listInstallations"] {
  return async (filter, page, { access }) => {
    access.check(filter.platform, filter.owner);
    if (filter.platform !== undefined) checkKnown(filter.platform, platforms);
    // One more than asked for tells whether there is a next page.
    const found = await installations.list(filter, access.visible(filter.platform), page.after, page.size + 1);
    const shown = found.slice(0, page.size);
    const last = shown.at(-1);
    const more = found.length > page.size && last !== undefined;
    return { installations: shown, next: more ? { createdAt: last.createdAt, id: last.id } : undefined };
  };
}

/** The use case behind GetInstallation. What the caller may not see is not there. */
export function createGetInstallation(installations: InstallationRepository): UseCases["getInstallation"] {
  return async (id, { access }) => {
    const installation = await installations.find(id);
    if (installation === undefined || !seesAny(access, installation)) {
      throw new ServiceError("INSTALLATION_NOT_FOUND", `no installation ${id}`);
    }
    return installation;
  };
}

/** Whether a caller may see an installation as one of its products. */
export function seesAny(access: Access, { products, owner }: Pick<Installation, "products" | "owner">): boolean {
  return products.some((product) => access.sees(product, owner));
}

/** Whether a caller may see it as each of its products: who ends it ends all of them. */
export function seesAll(access: Access, { products, owner }: Pick<Installation, "products" | "owner">): boolean {
  return products.every((product) => access.sees(product, owner));
}

/** What was connected before its platform lost its settings can still be listed. */
function checkKnown(name: string, platforms: Platforms): void {
  if (!platforms.known.includes(name)) checkPlatform(name, platforms);
}
