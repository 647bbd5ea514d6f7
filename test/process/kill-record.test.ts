import { randomBytes } from "node:crypto";
import { afterAll, beforeAll, expect, test } from "vitest";
import { runCommand } from "../../src/cli/run-command.ts";
import { createStage, type Stage } from "./stage.ts";

let stage: Stage;
beforeAll(async () => {
  stage = await createStage("Postgres");
  await stage.start();
});
afterAll(() => stage.close());

/** What the operator is told about the whole record. */
async function verify(): Promise<{ readonly code: number; readonly lines: readonly string[] }> {
  const lines: string[] = [];
  const write = (line: string) => void lines.push(line);
  const world = { env: stage.env, readFile: () => "", now: () => new Date(), random: randomBytes };
  return { code: await runCommand(["audit", "verify"], { ...world, print: write, complain: write }), lines };
}

interface Death {
  /** The statement at which the service is killed, counted from the beginning of the load. */
  readonly at: number;
  /** Whether the database still hears it. */
  readonly heard: boolean;
}

/** Kills the service at a statement of its load. */
function dieAt({ at, heard }: Death): void {
  let seen = 0;
  let dead = false;
  stage.tap.onSaying = ({ executes }) => {
    if (dead) return "drop";
    if (!executes || ++seen < at) return "forward";
    dead = true;
    stage.service.signal("SIGKILL");
    return heard ? "forward" : "drop";
  };
}

test("kill -9 under load: every answer that was given has its row, and the record is whole", {
  timeout: 240_000,
}, async () => {
  const ids: string[] = [];
  for (let n = 0; n < 12; n++) ids.push((await stage.connect("jira", `owner-${n}`)).installations[0]?.id ?? "");
  /** In how many lives of the service a token was answered: in each of them it was a first hand-out. */
  const answered = new Map<string, number>();
  const deaths = [2, 5, 9, 14, 20, 26].flatMap((at) => [true, false].map((heard): Death => ({ at, heard })));
  for (const death of deaths) {
    dieAt(death);
    const load = ids.flatMap((installation_id) => [
      stage.token("jira", { installation_id }),
      stage.token("jira", { installation_id }),
    ]);
    const tokens = (await Promise.all(load)).flatMap((answer) =>
      answer?.status === 200 ? [answer.body.token_id] : [],
    );
    for (const tokenId of new Set(tokens)) answered.set(tokenId, (answered.get(tokenId) ?? 0) + 1);
    await stage.service.kill();
    stage.tap.onSaying = () => "forward";
    await stage.start();
  }
  expect(answered.size, "some were answered before the kill").toBeGreaterThan(0);
  const rows = await stage.sql(`
    select token_fingerprint as id, count(*)::int as issued from audit_events
    where kind = 'token.issued' group by token_fingerprint`);
  const issued = new Map(rows.map(({ id, issued }) => [id as string, issued as number]));
  for (const [tokenId, lives] of answered) expect(issued.get(tokenId) ?? 0).toBeGreaterThanOrEqual(lives);

  const { code, lines } = await verify();
  expect({ code, last: lines.at(-1) }).toMatchObject({ code: 0, last: expect.stringContaining('"findings":0') });
  const [{ chains } = {}] = await stage.sql("select count(*)::int as chains from audit_chains");
  expect(chains).toBeGreaterThanOrEqual(deaths.length);
});
