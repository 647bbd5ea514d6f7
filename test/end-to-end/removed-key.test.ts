import { randomBytes } from "node:crypto";
import { beforeEach, expect, test } from "vitest";
import { Secret } from "../../src/secret.ts";
import { parseKeyRing } from "../../src/storage/seal/key-ring.ts";
import { runOperator } from "../support/operator.ts";
import { useService } from "./support/use-service.ts";

const [former, latest, other] = [0, 0, 0].map(() => randomBytes(32).toString("base64url")) as [string, string, string];
const idOf = (key: string) => parseKeyRing(new Secret(key))[0].id;

const shared = useService({ env: { TOKEN_ENCRYPTION_KEY: former } });
beforeEach(async () => {
  await shared.sql`delete from meta where key = 'key_canary'`;
});

/** The lines about keys that one more replica with these keys writes when it starts, and how it then is. */
async function startWith(keys: string) {
  const { service } = shared;
  const before = service.world.lines.length;
  const caller = await shared.startReplica({ TOKEN_ENCRYPTION_KEY: keys });
  const lines = service.world.lines.slice(before).map((line) => JSON.parse(line) as Record<string, unknown>);
  const url = `${service.replicas.at(-1)?.internalUrl}/health?full=1`;
  const health = async () => ((await (await fetch(url)).json()) as { keys: Record<string, unknown> }).keys;
  return { caller, lines: lines.filter(({ event }) => String(event).startsWith("keys.")), health };
}

test("a key that rows still need is named at start, and only these rows cannot be read without it", async () => {
  const slack = await shared.service.connect("slack");
  const rotated = await runOperator(["rotate"], {
    ...shared.service.databaseEnv(),
    TOKEN_ENCRYPTION_KEY: `${latest},${former}`,
  });
  expect(rotated).toMatchObject({ code: 0 });
  expect(JSON.parse(rotated.stdout.trim().split("\n").at(-1) ?? "")).toMatchObject({ left: 0 });
  const jira = await shared.service.connect("jira");

  const { caller, lines, health } = await startWith(latest);
  expect(lines).toEqual([
    {
      level: "error",
      event: "keys.missing",
      rows: { [idOf(former)]: 1 },
      configured: [idOf(latest)],
      advice: expect.stringContaining("TOKEN_ENCRYPTION_KEY"),
    },
  ]);
  // The bot's, and that of the person who connected.
  const slackRows = 2;
  expect(await caller.token({ platform: "slack", installation_id: slack.installation_id })).toBeDefined();
  expect(await caller.refusal({ platform: "jira", installation_id: jira.installation_id })).toMatchObject({
    reason: "TOKEN_UNREADABLE",
  });
  expect(await health()).toEqual({
    configured: [idOf(latest)],
    rows: { [idOf(former)]: 1, [idOf(latest)]: slackRows },
    missing: [idOf(former)],
    missing_for_events: [],
    canary: "opens",
    counted_at: expect.any(String),
  });
});

test("a ring that does not open what the database was begun with is named as wrong", async () => {
  expect((await startWith(former)).lines).toEqual([]);
  const { lines, health } = await startWith(other);
  expect(lines).toEqual([
    {
      level: "error",
      event: "keys.wrong",
      configured: [idOf(other)],
      advice: expect.stringMatching(/^TOKEN_ENCRYPTION_KEY is wrong/),
    },
  ]);
  expect(await health()).toMatchObject({ canary: "unreadable", missing: [] });
});

test("a key that nothing needs any more is named once", async () => {
  // The former one is needed: what it signed in the record is not signed anew before a rotate.
  const spare = randomBytes(32).toString("base64url");
  const { lines } = await startWith(`${latest},${spare},${former}`);
  expect(lines).toMatchObject([{ level: "info", event: "keys.unused", keys: [idOf(spare)] }]);
});

test("the rows by key are counted again when a minute has passed, and not sooner", async () => {
  const { health } = await startWith(former);
  const rows = async () => (await health()).rows;
  expect(await rows()).toEqual({});
  await shared.service.connect("jira");
  expect(await rows()).toEqual({});
  shared.service.clock.advance(60_000);
  expect(await rows()).toEqual({ [idOf(former)]: 1 });
});
