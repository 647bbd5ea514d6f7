import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import {
  Health,
  HealthCheckRequestSchema,
  HealthCheckResponseSchema,
  HealthCheckResponse_ServingStatus as Status,
} from "../../gen/grpc/health/v1/health_pb.js";
import { freePort } from "../../rig/free-port.ts";
import { createClosers } from "../../src/closers.ts";
import { pinned } from "../cores.ts";
import { median } from "../distribution.ts";
import { figure, megabytes, milliseconds } from "../figures.ts";
import { createUnaryClient } from "../load/unary-client.ts";
import type { Bench, Findings, Measurement, Row } from "../measurement.ts";
import { residentBytes } from "../process-usage.ts";
import { programs, startPlatforms, startService } from "../service.ts";
import { postgresSettings } from "../warm-service.ts";

export const startUp: Measurement = {
  name: "start-up",
  title: "From process start to SERVING",
  run: measure,
};

const starts = 5;
/** What is to be reached on a usual machine. */
const targets = { postgresMs: 600, embeddedMs: 1_200, firstMs: 2_000, residentBytes: 120_000_000, helpMs: 150 };

async function measure(bench: Bench): Promise<Findings> {
  const { plan, closers, cores, directory } = bench;
  const sandbox = await startPlatforms(closers);
  const number = plan.quick ? 1 : starts;
  const onPostgres = { ...sandbox.environment, ...(await postgresSettings(bench, "bench_start")) };
  const embedded = { ...sandbox.environment, DATA_DIR: join(directory, "data") };
  const start = (env: Environment, ofSources = false) => timeStart({ core: cores.server, env, ofSources });
  const several = async (work: () => Promise<Start>): Promise<Start> => {
    const found: Start[] = [];
    for (let i = 0; i < number; i++) found.push(await work());
    return { ms: median(found.map(({ ms }) => ms)), resident: median(found.map(({ resident }) => resident)) };
  };

  const nodeMs = timeProgram(cores.server, ["--eval", "0"], number);
  const helpMs = timeProgram(cores.server, [programs.command, "--help"], number);
  const firstOnPostgres = await start(onPostgres);
  const postgres = await several(() => start(onPostgres));
  const sources = await several(() => start(onPostgres, true));
  const first = await start(embedded);
  const again = await several(() => start(embedded));
  const row = (name: string, ms: number, resident?: number, limitMs?: number): Row => ({
    cells: [name, milliseconds(ms), figure(ms / nodeMs), resident === undefined ? "" : megabytes(resident)],
    ...(limitMs === undefined ? {} : { target: { text: `≤ ${milliseconds(limitMs)}`, met: ms <= limitMs } }),
  });
  const limit = targets.residentBytes;
  return {
    columns: ["", "time", "of an empty program's", "resident then"],
    rows: [
      row("Node with an empty program", nodeMs),
      row("`oauth-token-service --help`, to its end", helpMs, undefined, targets.helpMs),
      row("Postgres, first start (makes the tables)", firstOnPostgres.ms, firstOnPostgres.resident),
      row("Postgres, later starts", postgres.ms, postgres.resident, targets.postgresMs),
      {
        cells: ["their memory", "", "", megabytes(postgres.resident)],
        target: { text: `≤ ${megabytes(limit)}`, met: postgres.resident <= limit },
      },
      row("the same, run from the sources", sources.ms, sources.resident),
      row("embedded database, first start of all", first.ms, first.resident, targets.firstMs),
      row("embedded database, later starts", again.ms, again.resident, targets.embeddedMs),
    ],
    how: `Until grpc.health.v1.Health answers SERVING, asked every 10 ms; medians of ${number}, on the core of the server. Resident size from /proc at that moment.`,
  };
}

interface Start {
  readonly ms: number;
  readonly resident: number;
}

type Environment = Readonly<Record<string, string>>;

async function timeStart(options: {
  readonly core: number | undefined;
  readonly env: Environment;
  readonly ofSources: boolean;
}): Promise<Start> {
  const closers = createClosers();
  try {
    const port = await freePort();
    const startedAt = performance.now();
    const env = { ...options.env, GRPC_PORT: String(port) };
    const starting = startService(closers, { ...options, env });
    starting.catch(() => undefined);
    await Promise.race([untilServing(port), starting.then(() => untilServing(port))]);
    const ms = performance.now() - startedAt;
    const { pid } = await starting;
    return { ms, resident: (await residentBytes(pid)) ?? Number.NaN };
  } finally {
    await closers.close();
  }
}

const checkPath = `/${Health.typeName}/${Health.method.check.name}`;
const question = Buffer.from(toBinary(HealthCheckRequestSchema, create(HealthCheckRequestSchema)));

async function untilServing(port: number): Promise<void> {
  const giveUpAt = performance.now() + 60_000;
  while (performance.now() < giveUpAt) {
    const closers = createClosers();
    try {
      // A client of its own each time: one that was refused would wait a second before it tries again.
      const answer = await createUnaryClient(`127.0.0.1:${port}`, closers)(checkPath, question);
      if (fromBinary(HealthCheckResponseSchema, answer).status === Status.SERVING) return;
    } catch {
      // Not yet.
    } finally {
      await closers.close();
    }
    await delay(10);
  }
  throw new Error("the service did not answer SERVING within 60 s");
}

function timeProgram(core: number | undefined, program: readonly string[], number: number): number {
  const [command, ...args] = pinned(core, [process.execPath, ...program]);
  return median(
    Array.from({ length: number }, () => {
      const startedAt = performance.now();
      spawnSync(command, args);
      return performance.now() - startedAt;
    }),
  );
}
