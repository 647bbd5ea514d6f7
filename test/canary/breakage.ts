import { doors } from "./callers.ts";
import type { Hands } from "./hands.ts";
import { createPerson } from "./person.ts";
import { platforms } from "./trouble.ts";

/** Rows that no key opens, asked for and revoked. */
export async function breakRows(hands: Hands): Promise<void> {
  const { target, callers, mustConnect, selector } = hands;
  const { sql, change } = target;
  await change(
    `update credentials set access_token = refresh_token, refresh_token = access_token where platform = 'slack'`,
  );
  await change(
    `update credentials set access_token = overlay(access_token placing 'AAAA' from 40) where platform <> 'slack'`,
  );
  for (const platform of platforms) {
    for (const door of doors) await callers.getToken(door, selector(platform));
  }
  const rows = await sql`select id from installations where platform = 'slack' and status = 'active'`;
  for (const { id } of rows) await callers.grpc("RevokeInstallation", { installation_id: id });
  for (const platform of platforms) await mustConnect(platform);
}

/** Statements that fail with what they were given: constraints, columns and tables that are not as expected. */
export async function breakTheDatabase(hands: Hands): Promise<void> {
  const { target, callers, connect, mustConnect, selector, mustGetToken, age } = hands;
  const { sql } = target;
  for (const platform of platforms) {
    await mustGetToken(platform);
    // What it brings was not handed out yet.
    await mustConnect(platform);
  }
  await sql`alter table audit_events add constraint broken check (count < 0) not valid`;
  for (const platform of platforms) {
    await connect(platform);
    for (const door of doors) await callers.getToken(door, selector(platform));
  }
  await sql`alter table audit_events drop constraint broken`;

  await age();
  await sql`alter table credentials add constraint broken check (access_token is null) not valid`;
  for (const platform of platforms) {
    for (const door of doors) await callers.getToken(door, selector(platform));
    await connect(platform, true);
    await connect(platform, false);
  }
  await sql`alter table credentials drop constraint broken`;

  for (const column of ["refresh_token", "access_token"]) {
    await sql.unsafe(`alter table credentials rename column ${column} to gone`);
    for (const platform of platforms) {
      for (const door of doors) await callers.getToken(door, selector(platform));
      await connect(platform);
    }
    await sql.unsafe(`alter table credentials rename column gone to ${column}`);
  }

  await sql`alter table attempts rename to gone`;
  for (const platform of platforms) await connect(platform);
  const person = createPerson(target);
  await person.get("/oauth/callback/slack?code=some-code&state=some-state");
  await sql`alter table gone rename to attempts`;
}

/** What nobody foresaw: the randomness ends, with a secret in the error. Only in this process can that be made. */
export async function crash(hands: Hands): Promise<void> {
  const { target, callers, connect, selector, age } = hands;
  const { sandbox } = target;
  if (target.crash === undefined) return;
  for (const platform of platforms) await connect(platform);
  await age();
  const { privateKeyPem } = sandbox.github;
  target.crash(new Error(`no randomness for ${privateKeyPem}`, { cause: new RangeError(privateKeyPem) }));
  for (const platform of platforms) {
    await connect(platform, true);
    await connect(platform, false);
    for (const door of doors) await callers.getToken(door, selector(platform));
  }
  target.crash(undefined);
}
