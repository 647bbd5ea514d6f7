/** A workspace or an Enterprise organization. */
export interface Place {
  readonly id: string;
  readonly name: string;
}

export interface SlackPerson {
  readonly id: string;
  readonly name: string;
}

/** Where an app is installed: one workspace (inside an organization or not), or a whole organization. */
export interface Site {
  readonly team: Place | undefined;
  readonly enterprise: Place | undefined;
}

/** The first one is picked where the person does not see the page. */
export const teams: readonly Place[] = [
  { id: "T0ACME001", name: "Acme" },
  { id: "T0GLOBEX1", name: "Globex" },
];

export const enterprise: Place = { id: "E0HOLDING", name: "Holding" };

/** `U0ALICE01` is signed in at the start. */
export const people: readonly SlackPerson[] = [
  { id: "U0ALICE01", name: "alice" },
  { id: "W0BOB0001", name: "bob" },
];

/** What names a site: the team, or the organization where it is installed as a whole. */
export function siteId(site: Site): string {
  return site.team?.id ?? site.enterprise?.id ?? "";
}

/** The fields in which Slack's answers say where a token belongs. */
export function siteJson(site: Site): Record<string, unknown> {
  return {
    team: site.team ?? null,
    enterprise: site.enterprise ?? null,
    is_enterprise_install: site.team === undefined,
  };
}
