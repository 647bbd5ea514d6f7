import { boundedCache } from "../../work/bounded-cache.ts";
import { orAfter } from "../../work/or-after.ts";
import type { World } from "../../world.ts";
import { lowest } from "../access/permission-ceiling.ts";
import type { Permissions } from "../access/rule.ts";
import type { ChangeFeed } from "../model/change-feed.ts";
import type { InstallationRepository } from "../model/installation-repository.ts";
import type { Selected } from "./select-installation.ts";

/** What installations are granted now: it changes after the install, both ways, without a word to us. */
export interface GrantedPermissions {
  /**
   * What is left of a ceiling. Where that is less than all of it, the platform is asked whether more was granted
   * meanwhile, at most every five minutes.
   */
  within(selected: Selected, ceiling: Permissions): Promise<Permissions>;
  /** After a refused mint: asks, at most every half minute. Whether what is known has changed. */
  lookAgain(selected: Selected): Promise<boolean>;
}

const oldMs = 5 * 60_000;
const refusedMs = 30_000;
const patienceMs = 2_000;

export function createGrantedPermissions(parts: {
  readonly installations: Pick<InstallationRepository, "setPermissions">;
  readonly world: World;
  readonly maxEntries: number;
  /** Says when what was learnt is old. */
  readonly changes?: ChangeFeed;
}): GrantedPermissions {
  const { installations, world } = parts;
  const asked = boundedCache<{ readonly at: number; readonly permissions: Permissions | undefined }>(parts.maxEntries);

  parts.changes?.subscribe((change) => {
    if (change.kind === "granted") asked.delete(change.installationId);
    else if (change.kind === "everything" && change.missed === true) asked.clear();
  });

  function known({ installation, credential }: Selected): Permissions | undefined {
    const said = [asked.get(installation.id)?.permissions, installation.permissions, credential.permissions];
    return said.find((permissions) => permissions !== undefined && Object.keys(permissions).length > 0);
  }

  async function ask({ installation, credential, platform }: Selected): Promise<void> {
    try {
      const secrets = { ...credential, accessToken: undefined, refreshToken: undefined };
      const permissions = await platform.granted?.(secrets);
      if (permissions === undefined) return;
      asked.set(installation.id, { at: world.now().getTime(), permissions });
      if (isSame(permissions, installation.permissions)) return;
      await installations.setPermissions(installation.id, permissions);
      world.log.info({ platform: platform.name, installation: installation.id }, "installation.permissions_changed");
    } catch (error) {
      const name = error instanceof Error ? error.name : "unknown";
      world.log.warn({ installation: installation.id, error: name }, "installation.permissions_not_read");
    }
  }

  /** Nobody waits for it longer than a moment, and it is asked once: what is known is good for most. */
  async function askUnlessAsked(selected: Selected, withinMs: number): Promise<void> {
    const { id } = selected.installation;
    const now = world.now().getTime();
    const last = asked.get(id);
    if (last !== undefined && Math.abs(now - last.at) < withinMs) return;
    asked.set(id, { at: now, permissions: last?.permissions });
    await orAfter(patienceMs, ask(selected), () => undefined);
  }

  return {
    async within(selected, ceiling) {
      const left = () => lowest(known(selected) ?? ceiling, ceiling);
      if (!isSame(left(), ceiling)) await askUnlessAsked(selected, oldMs);
      return left();
    },
    async lookAgain(selected) {
      const before = known(selected) ?? {};
      await askUnlessAsked(selected, refusedMs);
      return !isSame(known(selected) ?? {}, before);
    },
  };
}

function isSame(a: Permissions, b: Permissions): boolean {
  const names = Object.keys(a);
  return names.length === Object.keys(b).length && names.every((name) => a[name] === b[name]);
}
