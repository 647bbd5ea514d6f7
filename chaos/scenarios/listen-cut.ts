import { setTimeout as delay } from "node:timers/promises";
import { TokenService } from "../../gen/oauth/token/v1/token_service_pb.js";
import { until } from "../../rig/gate.ts";
import type { SeededRandom } from "../../rig/seeded-random.ts";
import { createTcpProxy } from "../../rig/tcp-proxy.ts";
import type { Grant } from "../grants.ts";
import { type Ask, ask, toAsk } from "../load.ts";
import { observed, type Row } from "../row.ts";
import type { Scenario } from "../scenario.ts";
import { openStage, type Stage } from "../stage.ts";

type Line = Awaited<ReturnType<typeof createTcpProxy>>;

/** What befalls the connection on which the second replica listens, and how old an answer may then be. */
const faults = [
  { name: "revoked, LISTEN alive", limitMs: 250, breakLine: () => undefined },
  {
    name: "revoked, LISTEN cut",
    limitMs: 2_500,
    breakLine: (line: Line) => {
      line.set("hang_up");
      line.cut();
    },
  },
  { name: "revoked, LISTEN frozen", limitMs: 2_500, breakLine: (line: Line) => line.set("freeze") },
] as const;

/** Somewhere in a heartbeat's turn, so that the worst moment is among many. */
const spreadMs = 1_300;

/**
 * A grant is revoked at one replica while the other hears of it, or does not because its listening connection is cut or
 * stands still. Recovered: the time from the revocation's commit to the last token that the other replica served.
 */
export const listenCut: Scenario = {
  name: "listen-cut",
  async run({ postgres, database, closers, random, quick, say }) {
    const line = await createTcpProxy(postgres.port);
    closers.add("line to LISTEN", () => line.close());
    const throughLine = (url: string) => {
      const direct = new URL(url);
      direct.port = String(line.port);
      return direct.href;
    };
    const perRound = 4;
    const rounds = quick ? 1 : 3;
    const stage = await openStage({
      postgres,
      database,
      closers,
      replicas: 2,
      grants: { jira: perRound * rounds * faults.length },
      tokenSeconds: 3_600,
      env: (replica, url) => (replica === 1 ? { DATABASE_DIRECT_URL: throughLine(url) } : {}),
    });
    const waiting = [...stage.grants];
    const rows: Row[] = [];
    for (const { name, limitMs, breakLine } of faults) {
      const asks: Ask[] = [];
      const staleMs: number[] = [];
      for (let round = 0; round < rounds; round++) {
        await untilListening(stage);
        const grants = waiting.splice(0, perRound);
        const revoked = grants.map((grant) => revokeWhileServed(stage, grant, random, asks));
        // Warm in the other replica's memory first.
        await delay(300);
        breakLine(line);
        staleMs.push(...(await Promise.all(revoked)));
        line.set("forward");
      }
      const longest = Math.max(...staleMs);
      say(`${name}: ${staleMs.map((ms) => ms.toFixed(0)).join(", ")} ms`);
      rows.push({
        fault: name,
        ...observed("jira", asks, stage.traffic.jira),
        // Whoever revoked it wanted to lose it.
        lost: 0,
        recoverSeconds: longest / 1000,
        facts: [`${staleMs.length} revocations; a token was last served ${longest.toFixed(0)} ms after the commit`],
        misses: longest > limitMs ? [`served for ${longest.toFixed(0)} ms, ${limitMs} ms allowed`] : [],
      });
    }
    return rows;
  },
};

/** Milliseconds from the revocation's commit to the last token of the other replica; negative counts as 0. */
async function revokeWhileServed(stage: Stage, grant: Grant, random: SeededRandom, asks: Ask[]): Promise<number> {
  const [revoker, server] = stage.clients;
  if (revoker === undefined || server === undefined) throw new Error("two replicas are needed");
  const committed = committedAt(stage, grant);
  let lastTokenAt = 0;
  let refused = false;
  const polling = (async () => {
    while (!refused) {
      const answer = toAsk(await ask(server, grant), grant, 1);
      asks.push(answer);
      if (answer.failure === undefined) lastTokenAt = answer.at;
      refused = answer.failure === "INSTALLATION_REVOKED";
      await delay(5);
    }
  })();
  await delay(300 + random.below(spreadMs));
  const { installationId } = grant;
  await revoker.call(TokenService.method.revokeInstallation, { installationId, reason: "chaos" }, 10_000);
  await polling;
  return Math.max(lastTokenAt - (await committed), 0);
}

/** The moment at which the revocation can be seen by others, to a few milliseconds, on the clock of `performance.now()`. */
async function committedAt({ sql }: Stage, { installationId }: Grant): Promise<number> {
  for (;;) {
    const askedAt = performance.now();
    const [row] = await sql`select status from installations where id = ${installationId}`;
    if (row?.status === "revoked") return askedAt;
    await delay(3);
  }
}

/** A replica may take so long to notice that its connection is dead, and to open another. */
const noticeMs = 4_500;

/** Until the second replica has heard its own heartbeat again and its memory is in use. */
async function untilListening({ replicas }: Stage): Promise<void> {
  await delay(noticeMs);
  const heard = () =>
    replicas[1]?.process?.lines.findLast((line) => line.event === "changes.listening")?.alive === true;
  await until(heard, "the replica listens again", 15_000);
}
