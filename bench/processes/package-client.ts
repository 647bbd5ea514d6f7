import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { Client, credentials } from "@grpc/grpc-js";
import { createTokenClient } from "../../client/src/index.ts";
import { GetTokenRequestSchema, GetTokenResponseSchema } from "../../gen/oauth/token/v1/token_service_pb.js";
import type { PackageOrder, PackageReport } from "../load/package-client.ts";
import { getTokenPath } from "../requests.ts";

// Asks for a token by the client package, and beside it by grpc-js alone, as ordered by its parent.

process.on("message", (order: PackageOrder) => {
  run(order).then(
    (report) => process.send?.(report),
    (error: unknown) => process.send?.({ error: error instanceof Error ? error.message : "unknown" }),
  );
});
process.on("disconnect", () => process.exit());

async function run({ address, installationId, seconds, repetitions }: PackageOrder): Promise<PackageReport> {
  const client = createTokenClient({ address, fallback: false });
  const raw = new Client(address, credentials.createInsecure(), { "grpc.use_local_subchannel_pool": 1 });
  // Another one each time, so that neither side finds anything in memory.
  let asked = 0;
  const nextTtl = () => (asked++ % 1_000_000) / 1_000;
  const viaPackage = () => client.getToken({ installationId, minTtl: nextTtl() });
  const viaGrpc = () => {
    const seconds = nextTtl();
    const minTtl = { seconds: BigInt(Math.floor(seconds)), nanos: Math.round((seconds % 1) * 1e9) };
    const body = Buffer.from(
      toBinary(GetTokenRequestSchema, create(GetTokenRequestSchema, { installationId, minTtl })),
    );
    return new Promise((resolve, reject) => {
      const deadline = Date.now() + 10_000;
      raw.makeUnaryRequest(getTokenPath, asIs, asIs, body, { deadline }, (error, answer = Buffer.alloc(0)) =>
        error === null ? resolve(fromBinary(GetTokenResponseSchema, answer)) : reject(error),
      );
    });
  };
  const fromMemory = () => client.getToken({ installationId });
  const report = { viaGrpc: [] as Float64Array[], viaPackage: [] as Float64Array[], readsPerSecond: [] as number[] };
  try {
    await time([viaGrpc, viaPackage, fromMemory], 2);
    for (let n = 0; n < repetitions; n++) {
      const [ofGrpc, ofPackage] = await time([viaGrpc, viaPackage], 2 * seconds);
      if (ofGrpc !== undefined) report.viaGrpc.push(ofGrpc);
      if (ofPackage !== undefined) report.viaPackage.push(ofPackage);
      report.readsPerSecond.push(await rate(fromMemory, seconds));
    }
    return report;
  } finally {
    client.close();
    raw.close();
  }
}

/** In turn, one call after the other, so that both meet the same neighbours; milliseconds of each, ascending. */
async function time(calls: readonly (() => Promise<unknown>)[], seconds: number): Promise<readonly Float64Array[]> {
  const latencies = calls.map((): number[] => []);
  for (const end = performance.now() + seconds * 1000; performance.now() < end; ) {
    for (const [n, call] of calls.entries()) {
      const startedAt = performance.now();
      await call();
      latencies[n]?.push(performance.now() - startedAt);
    }
  }
  return latencies.map((all) => Float64Array.from(all).sort());
}

async function rate(call: () => Promise<unknown>, seconds: number): Promise<number> {
  const startedAt = performance.now();
  let calls = 0;
  // The clock is looked at now and then.
  while (performance.now() - startedAt < seconds * 1000) for (let n = 0; n < 1_000; n++, calls++) await call();
  return (calls * 1000) / (performance.now() - startedAt);
}

function asIs(bytes: Buffer): Buffer {
  return bytes;
}
