import { setTimeout as delay } from "node:timers/promises";
import { createClosers } from "../../src/closers.ts";
import { median } from "../distribution.ts";
import { count, milliseconds } from "../figures.ts";
import { runBurst } from "../load/burst.ts";
import { startLoadClient } from "../load/load-client.ts";
import { createUnaryClient } from "../load/unary-client.ts";
import { versionOf } from "../machine.ts";
import type { Bench, Findings, Measurement } from "../measurement.ts";
import { processorSeconds } from "../process-usage.ts";
import { getTokenPath, getTokenRequest } from "../requests.ts";
import { connect, startPlatforms, startService } from "../service.ts";
import { postgresSettings } from "../warm-service.ts";

export const refreshStorm: Measurement = {
  name: "storm",
  title: "Refresh storm: everybody at once on one expired rotating credential",
  run: measure,
};

const platformMs = 300;
/** Longer than a storm takes on a busy machine, or the token would end again in it. */
const lifeSeconds = 8;
const replicas = 2;
const connectionsPerReplica = 10;

interface Storm {
  readonly milliseconds: number;
  readonly platformCalls: number;
  readonly failed: number;
  readonly firstFailure: string | undefined;
  /** From the first call to the last answer, less what the platform took. */
  readonly beyondPlatformMs: number;
  /** Of all replicas. */
  readonly processorMs: number;
}

async function measure(bench: Bench): Promise<Findings> {
  const { plan } = bench;
  const storms: Storm[] = [];
  for (let i = 0; i < plan.repetitions; i++) {
    const closers = createClosers();
    bench.closers.add("storm", closers.close);
    storms.push(await storm({ ...bench, closers }, `bench_storm_${i}`));
    await closers.close();
  }
  const worst = (of: (storm: Storm) => number) => Math.max(...storms.map(of));
  const beyond = worst((one) => one.beyondPlatformMs);
  const failure = storms.find((one) => one.firstFailure !== undefined)?.firstFailure;
  return {
    columns: ["", `${count(plan.stormCallers)} callers, ${replicas} replicas`],
    rows: [
      {
        cells: ["calls to the platform", count(worst((one) => one.platformCalls))],
        target: { text: "1", met: storms.every((one) => one.platformCalls === 1) },
      },
      {
        cells: ["failed answers", count(worst((one) => one.failed))],
        target: { text: "0", met: storms.every((one) => one.failed === 0) },
      },
      {
        cells: ["last answer after the platform's own time", milliseconds(beyond)],
        target: { text: "≤ 300 ms", met: beyond <= 300 },
      },
      { cells: ["the same, median of the runs", milliseconds(median(storms.map((one) => one.beyondPlatformMs)))] },
      { cells: ["processor time of both replicas", milliseconds(median(storms.map((one) => one.processorMs)))] },
    ],
    how: `The worst of ${plan.repetitions} storms, each with a new Slack installation whose token had run out (life ${lifeSeconds} s, never used) and a platform that takes ${platformMs} ms; ${connectionsPerReplica} connections to each replica, all calls sent at once${hasH2load() ? " by h2load" : ", by a client in Node"}. The replicas had served other calls before, and run on any core, since they would not share one.${failure === undefined ? "" : ` First failure: ${failure}.`}`,
  };
}

async function storm(bench: Bench, database: string): Promise<Storm> {
  const { plan, cores, closers } = bench;
  const settings = await postgresSettings(bench, database);
  const sandbox = await startPlatforms(closers, { slack: { lifetimes: { accessSeconds: lifeSeconds } } });
  // One credential alone: a person's own would be refreshed in the background as soon as the installation is used.
  const env = { ...sandbox.environment, ...settings, SLACK_USER_SCOPES: "" };
  const services = await Promise.all(
    Array.from({ length: replicas }, () => startService(closers, { core: undefined, env })),
  );
  const [first] = services;
  if (first === undefined) throw new Error("there is no replica");
  const other = await connect(first, sandbox, "github");
  const id = await connect(first, sandbox, "slack");
  const expired = delay((lifeSeconds + 0.2) * 1000);

  const client = startLoadClient(cores.load, closers);
  const order = {
    protocol: "grpc" as const,
    addresses: services.map((service) => service.grpcAddress),
    connections: connectionsPerReplica,
    path: getTokenPath,
    inFlight: plan.stormCallers,
  };
  await client.run({
    ...order,
    bodies: [getTokenRequest(other)],
    inFlight: 64,
    stop: { kind: "seconds", seconds: 1.5 },
  });
  await expired;
  const { controls } = sandbox.slack;
  if (controls.refreshCalls > 0) throw new Error("the credential was refreshed before the storm");
  controls.delayMs = platformMs;
  const processorMs = async () => {
    const each = await Promise.all(services.map((service) => processorSeconds(service.pid)));
    return each.reduce<number>((sum, seconds) => sum + (seconds ?? Number.NaN) * 1000, 0);
  };
  const before = await processorMs();
  const burst = await (hasH2load() ? byH2load() : byNode());
  const after = await processorMs();
  return {
    ...burst,
    processorMs: after - before,
    platformCalls: controls.refreshCalls,
    beyondPlatformMs: burst.milliseconds - platformMs,
  };

  /** Costs the machine less than the service, which a client in JavaScript does not. */
  async function byH2load() {
    const body = getTokenRequest(id);
    const { addresses, connections: connectionsEach, path } = order;
    const { milliseconds, bodyBytes } = await runBurst(
      { addresses, connectionsEach, path, body, calls: plan.stormCallers },
      cores.load,
      bench.directory,
    );
    // It tells no refusals apart; but those have no message, and all tokens have the same length.
    const answer = await createUnaryClient(first?.grpcAddress ?? "", closers)(path, body);
    const failed = plan.stormCallers - bodyBytes / (answer.length + frameBytes);
    return { milliseconds, failed, firstFailure: failed === 0 ? undefined : "some calls were refused" };
  }

  async function byNode() {
    const stop = { kind: "calls", calls: plan.stormCallers } as const;
    const report = await client.run({ ...order, bodies: [getTokenRequest(id)], stop }, { countFailures: true });
    const { failed, firstFailure, seconds } = report;
    return { milliseconds: seconds * 1000, failed, firstFailure };
  }
}

/** What gRPC puts before a message. */
const frameBytes = 5;

function hasH2load(): boolean {
  return versionOf("h2load") !== undefined;
}
