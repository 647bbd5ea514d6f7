import { ServiceError } from "../errors.ts";
import type { Installation } from "./installation.ts";
import type { Platforms } from "./platform.ts";
import type { InstallationRepository } from "./repositories.ts";
import { checkPlatform } from "./select-installation.ts";
import type { UseCases } from "./use-cases.ts";

/** The use case behind ListInstallations: one page, newest first. */
export function createListInstallations(
  installations: InstallationRepository,
  platforms: Platforms,
): UseCases["listInstallations"] {
  return async (filter, page) => {
    if (filter.platform !== undefined) checkKnown(filter.platform, platforms);
    // One more than asked for tells whether there is a next page.
    const found = await installations.list(filter, page.after, page.size + 1);
    const shown = found.slice(0, page.size);
    const last = shown.at(-1);
    const more = found.length > page.size && last !== undefined;
    return { installations: shown, next: more ? { createdAt: last.createdAt, id: last.id } : undefined };
  };
}

/** The use case behind GetInstallation. */
export function createGetInstallation(installations: InstallationRepository): (id: string) => Promise<Installation> {
  return async (id) => {
    const installation = await installations.find(id);
    if (installation === undefined) throw new ServiceError("INSTALLATION_NOT_FOUND", `no installation ${id}`);
    return installation;
  };
}

/** What was connected before its platform lost its settings can still be listed. */
function checkKnown(name: string, platforms: Platforms): void {
  if (!platforms.known.includes(name)) checkPlatform(name, platforms);
}
