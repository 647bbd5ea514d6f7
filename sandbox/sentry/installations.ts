import { randomUUID } from "node:crypto";
import type { PlatformWorld } from "../options.ts";

export interface SentryOrganization {
  readonly id: string;
  readonly slug: string;
  readonly name: string;
}

/** The first one is picked where the person does not see the page. */
export const organizations: readonly SentryOrganization[] = [
  { id: "4505001", slug: "acme", name: "Acme" },
  { id: "4505002", slug: "globex", name: "Globex" },
];

/** The one live token set of an installation. */
export interface SentryTokenPair {
  readonly token: string;
  readonly refreshToken: string;
  readonly createdAt: Date;
  readonly expiresAt: Date;
}

export interface SentryInstallation {
  readonly uuid: string;
  readonly organization: SentryOrganization;
  status: "pending" | "installed";
  /** For one exchange; undefined once it was made. */
  grant: { readonly code: string; readonly expiresAt: Date } | undefined;
  pair: SentryTokenPair | undefined;
}

export interface SentryLifetimes {
  readonly accessSeconds: number;
  readonly codeSeconds: number;
}

export interface SentryInstallations {
  /** Undefined where the integration is installed already: one installation for each organization. */
  install(organization: SentryOrganization, status: SentryInstallation["status"]): SentryInstallation | undefined;
  find(uuid: string | undefined): SentryInstallation | undefined;
  findBy(organization: SentryOrganization): SentryInstallation | undefined;
  /** Whose code it is, whether it is still good or not. */
  findByCode(code: string): SentryInstallation | undefined;
  /** A live access token's. */
  findByToken(token: string | undefined): SentryInstallation | undefined;
  /** A new token set in the place of the one before, which ends at once. */
  issue(installation: SentryInstallation): SentryTokenPair;
  uninstall(installation: SentryInstallation): void;
  readonly all: readonly SentryInstallation[];
}

export function sentryInstallations(world: PlatformWorld, lifetimes: SentryLifetimes): SentryInstallations {
  const installations: SentryInstallation[] = [];
  const hex = (bytes: number) => world.random(bytes).toString("hex");
  const inSeconds = (seconds: number) => new Date(world.now().getTime() + seconds * 1000);
  const findBy = ({ id }: SentryOrganization) => installations.find(({ organization }) => organization.id === id);

  return {
    all: installations,
    install(organization, status) {
      if (findBy(organization) !== undefined) return undefined;
      const grant = { code: hex(32), expiresAt: inSeconds(lifetimes.codeSeconds) };
      const installation = { uuid: randomUUID(), organization, status, grant, pair: undefined };
      installations.push(installation);
      return installation;
    },
    find: (uuid) => installations.find((one) => one.uuid === uuid),
    findBy,
    findByCode: (code) => installations.find(({ grant }) => grant?.code === code),
    findByToken: (token) =>
      installations.find(({ pair }) => pair !== undefined && pair.token === token && pair.expiresAt > world.now()),
    issue(installation) {
      const expiresAt = inSeconds(lifetimes.accessSeconds);
      installation.pair = { token: hex(32), refreshToken: hex(32), createdAt: world.now(), expiresAt };
      return installation.pair;
    },
    uninstall(installation) {
      installations.splice(installations.indexOf(installation), 1);
    },
  };
}
