import { type Doer, rowsOf } from "../model/audit-event.ts";
import type { Adopter, Adoption, EarlierRow, FoundRow } from "../model/earlier-row.ts";
import type { HereAlready, ImportObstacle, ImportRepository } from "../model/import-repository.ts";
import type { Platforms } from "../model/platforms.ts";
import { prepareImport } from "./prepare-import.ts";

/** What became of a row, or would; `why` and `note` say what to do. */
export type RowImport =
  | { readonly kind: "imported"; readonly note: string | undefined }
  | { readonly kind: "here"; readonly note: string | undefined }
  | { readonly kind: "left_out"; readonly why: string }
  | { readonly kind: "failed"; readonly why: string };

/** Brings over one row after the other, in their order: of an organization the first is taken, and no further one. */
export type ImportRow = (found: FoundRow) => Promise<RowImport>;

/**
 * Brings installations of an earlier service over, with the ids that callers know them by. Nothing that is here is
 * changed, and no token is spent: a platform is asked only for what a row leaves out. With `dryRun` nothing is stored.
 */
export type ImportInstallations = (doer: Doer, dryRun: boolean) => ImportRow;

export function createImportInstallations(parts: {
  readonly imports: ImportRepository;
  readonly adopters: ReadonlyMap<string, Adopter>;
  readonly platforms: Platforms;
  readonly now: () => Date;
}): ImportInstallations {
  const { imports, adopters, platforms, now } = parts;

  return (doer, dryRun) => {
    /** Which row was met first, by platform and organization. */
    const met = new Map<string, string>();

    return async ({ id, newId, product, reading }) => {
      const adopter = adopters.get(product);
      if (adopter === undefined)
        return failed(`this version knows no such platform: it knows ${[...adopters.keys()].join(", ")}`);
      const meet = (platform: string, organization: string | undefined) => {
        const key = JSON.stringify([platform, organization]);
        const first = organization === undefined ? undefined : met.get(key);
        if (first === undefined) met.set(key, id);
        return first;
      };
      // Before it is read any further: what its row has come to since, or lacks a key for, is no failure of what is here.
      const here = await imports.find(newId);
      if (here !== undefined) {
        if (reading.kind === "readable" && !isOf(here, adopter.adopt(reading.row), reading.row))
          return hindered({ kind: "id_taken" });
        meet(here.platform, here.externalOrgId);
        return { kind: "here", note: endedThere(newId, here, reading) };
      }
      if (reading.kind === "ended") {
        const when = reading.at === undefined ? "" : ` at ${reading.at.toISOString()}`;
        return { kind: "left_out", why: `it was revoked there${when}` };
      }
      if (reading.kind === "unreadable") {
        meet(adopter.platform, reading.organization);
        return failed(reading.why);
      }
      const adoption = await identified(adopter, reading.row);
      if (adoption.kind !== "adopted") return failed(adoption.why);
      const first = meet(adoption.platform, adoption.installation.externalOrgId);
      if (first !== undefined) return failed(duplicate(first));

      const { installation, note } = prepareImport(newId, reading, adoption, now());
      const at = now();
      const row = { kind: "installation.imported" as const, installationId: newId, platform: adoption.platform };
      const obstacle = dryRun
        ? await imports.findObstacle(installation)
        : await imports.store(installation, () => rowsOf(doer, at, [{ ...row, detail: installation.status }]));
      return obstacle === undefined ? { kind: "imported", note } : hindered(obstacle);
    };
  };

  /** The row as it is here, once the platform was asked for what is missing in it. */
  async function identified({ adopt }: Adopter, row: EarlierRow): Promise<Exclude<Adoption, { kind: "unidentified" }>> {
    const first = adopt(row);
    if (first.kind !== "unidentified") return first;
    const { lacks, platform: name } = first;
    const identify = platforms.byName(name)?.identify;
    if (identify === undefined) {
      return {
        kind: "refused",
        why: `it has no ${lacks}: set it there, or the settings of ${name} here, which can ask for it`,
      };
    }
    const found = await identify(row);
    if (found.kind === "unknown") {
      return {
        kind: "refused",
        why: `it has no ${lacks}, and ${name} does not tell (${found.code}): set it there, or connect it here`,
      };
    }
    const second = adopt({ ...row, ...found.facts });
    if (second.kind !== "unidentified") return second;
    return {
      kind: "refused",
      why: `it has no ${second.lacks}, and ${name} does not tell: set it there, or connect it here`,
    };
  }
}

function failed(why: string): RowImport {
  return { kind: "failed", why };
}

/** Whether what is here is what the row says, as far as it does. */
function isOf(here: HereAlready, adoption: Adoption, { externalOrgId = here.externalOrgId }: EarlierRow): boolean {
  return externalOrgId === here.externalOrgId && (adoption.kind === "refused" || adoption.platform === here.platform);
}

/** A revocation there, after it came over, is not carried over by anybody. */
function endedThere(id: string, { isRevoked }: HereAlready, { kind }: FoundRow["reading"]): string | undefined {
  if (kind !== "ended" || isRevoked) return undefined;
  return `it was revoked there, and is served here: end it with installations revoke ${id}, or let it be`;
}

function duplicate(first: string): string {
  return `its organization has a newer row, ${first}: tell callers that id, and set the status of this one to revoked there`;
}

function hindered(obstacle: ImportObstacle): RowImport {
  switch (obstacle.kind) {
    case "here":
      return { kind: "here", note: undefined };
    case "id_taken":
      return failed("its id belongs to another installation here: give the row another id there");
    case "connected":
      return failed(
        `its organization is connected here already, as ${obstacle.id}, which stays as it is: tell callers that id, or revoke it and run this again`,
      );
  }
}
