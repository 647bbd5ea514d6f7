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
import { milliseconds } from "../figures.ts";
import { createUnaryClient } from "../load/unary-client.ts";
import type { Bench, Findings, Measurement } from "../measurement.ts";
import { startPlatforms, startService } from "../service.ts";
import { postgresSettings } from "../warm-service.ts";

export const startUp: Measurement = {
  name: "start",
  title: "From process start to SERVING",
  run: measure,
};

const starts = 5;

async function measure(bench: Bench): Promise<Findings> {
  const { plan, closers, cores, directory } = bench;
  const sandbox = await startPlatforms(closers);
  const databases = {
    Postgres: await postgresSettings(bench, "bench_start"),
    "embedded database": { DATA_DIR: join(directory, "data") },
  };
  const number = plan.quick ? 1 : starts;
  const rows = [];
  for (const [name, settings] of Object.entries(databases)) {
    const env = { ...sandbox.environment, ...settings };
    const first = await timeStart(cores.server, env);
    const again: number[] = [];
    for (let i = 0; i < number; i++) again.push(await timeStart(cores.server, env));
    rows.push({ cells: [name, milliseconds(first), milliseconds(median(again))] });
  }
  rows.push({ cells: ["Node with an empty program", "", milliseconds(timeNode(cores.server, number))] });
  return {
    columns: ["", "first start (makes the database)", "later starts"],
    rows,
    how: `Until grpc.health.v1.Health answers SERVING, asked every 10 ms; median of ${number} later starts, on the core of the server.`,
  };
}

async function timeStart(core: number | undefined, env: Readonly<Record<string, string>>): Promise<number> {
  const closers = createClosers();
  try {
    const port = await freePort();
    const startedAt = performance.now();
    const starting = startService(closers, { core, env: { ...env, GRPC_PORT: String(port) } });
    starting.catch(() => undefined);
    await Promise.race([untilServing(port), starting.then(() => untilServing(port))]);
    return performance.now() - startedAt;
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

function timeNode(core: number | undefined, number: number): number {
  const [command, ...args] = pinned(core, [process.execPath, "--eval", "0"]);
  return median(
    Array.from({ length: number }, () => {
      const startedAt = performance.now();
      spawnSync(command, args);
      return performance.now() - startedAt;
    }),
  );
}
