import { seesAny, type Visibility } from "../access/access.ts";
import type { Call } from "../model/call.ts";
import type { Installation, Position, SearchableFilter } from "../model/installation.ts";
import type { InstallationRepository, SearchedPart } from "../model/installation-repository.ts";
import { noInstallation } from "../model/not-found.ts";
import { checkPlatform, type Platforms } from "../model/platforms.ts";

/** One page, newest first; `next` is undefined on the last. One of a search may hold fewer than its size, or none. */
export type ListInstallations = (
  filter: SearchableFilter,
  page: { readonly size: number; readonly after: Position | undefined },
  call: Call,
) => Promise<{ readonly installations: readonly Installation[]; readonly next: Position | undefined }>;

/** One installation, whatever its status. */
export type GetInstallation = (id: string, call: Call) => Promise<Installation>;

/** The use case behind ListInstallations: one page, newest first. */
export function createListInstallations(
  installations: InstallationRepository,
  platforms: Platforms,
): ListInstallations {
  return async (filter, page, { access }) => {
    access.check(filter.platform, filter.owner);
    if (filter.platform !== undefined) checkKnown(filter.platform, platforms);
    // One more than asked for tells whether there is a next page.
    const { found, lookedTo } = await read(filter, access.visible(filter.platform), page.after, page.size + 1);
    const shown = found.slice(0, page.size);
    const last = shown.at(-1);
    const more = found.length > page.size && last !== undefined;
    return { installations: shown, next: more ? { createdAt: last.createdAt, id: last.id } : lookedTo };
  };

  async function read(
    { search, ...filter }: SearchableFilter,
    ...part: [visible: Visibility, after: Position | undefined, limit: number]
  ): Promise<SearchedPart> {
    if (search !== undefined) return installations.search(search, filter, ...part);
    return { found: await installations.list(filter, ...part), lookedTo: undefined };
  }
}

/** The use case behind GetInstallation. What the caller may not see is not there. */
export function createGetInstallation(installations: InstallationRepository): GetInstallation {
  return async (id, { access }) => {
    const installation = await installations.find(id);
    if (installation === undefined || !seesAny(access, installation)) {
      throw noInstallation(id);
    }
    return installation;
  };
}

/** What was connected before its platform lost its settings can still be listed. */
export function checkKnown(name: string, platforms: Platforms): void {
  if (!platforms.known.includes(name)) checkPlatform(name, platforms);
}
