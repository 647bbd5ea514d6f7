import { fromBinary } from "@bufbuild/protobuf";
import { InstallationStatus } from "../../gen/oauth/token/v1/installation_pb.js";
import { ListInstallationsResponseSchema } from "../../gen/oauth/token/v1/token_service_pb.js";
import { median, quantile } from "../distribution.ts";
import { count, milliseconds } from "../figures.ts";
import { startLoadClient } from "../load/load-client.ts";
import { createUnaryClient } from "../load/unary-client.ts";
import type { Bench, Findings, Measurement, Row } from "../measurement.ts";
import { listPath, listRequest } from "../requests.ts";
import { seedInstallations } from "../seed-installations.ts";
import { type Service, startPlatforms, startService } from "../service.ts";
import { postgresSettings } from "../warm-service.ts";

export const listInstallations: Measurement = {
  name: "list",
  title: "ListInstallations, by the number of installations",
  run: measure,
};

const few = 1_000;
const pageSize = 50;
/** The large list beside the small one. */
const most = 1.25;
const filters: Readonly<Record<string, Parameters<typeof listRequest>[0]>> = {
  "first page": {},
  "first page, one platform": { platform: "slack" },
  "first page, one status": { status: InstallationStatus.SUSPENDED },
  "first page, one owner": { owner: "owner-7" },
};

async function measure(bench: Bench): Promise<Findings> {
  const { plan, cores, closers } = bench;
  const { manyInstallations: many, deepPage, listCalls } = plan;
  const small = await startWith(bench, "bench_list_few", few);
  const large = await startWith(bench, "bench_list_many", many);
  const client = startLoadClient(cores.load, closers);
  const time = async (service: Service, body: Buffer, calls: number) => {
    const { latenciesMs } = await client.run({
      protocol: "grpc",
      addresses: [service.grpcAddress],
      connections: 1,
      path: listPath,
      bodies: [body],
      inFlight: 1,
      stop: { kind: "calls", calls },
    });
    return quantile(latenciesMs.sort(), 0.5);
  };
  const compare = async (name: string, smallBody: Buffer, largeBody: Buffer): Promise<Row> => {
    const times = { small: [] as number[], large: [] as number[] };
    for (const [service, body] of [
      [small, smallBody],
      [large, largeBody],
    ] as const)
      await time(service, body, listCalls);
    for (let i = 0; i < plan.repetitions; i++) {
      times.small.push(await time(small, smallBody, listCalls));
      times.large.push(await time(large, largeBody, listCalls));
    }
    const ratio = median(times.large.map((ms, i) => ms / (times.small[i] ?? ms)));
    return {
      cells: [name, milliseconds(median(times.small)), milliseconds(median(times.large)), ratio.toFixed(2)],
      target: { text: `≤ ${most.toFixed(2)}`, met: ratio <= most },
    };
  };

  // Both processes take their first calls here.
  await time(small, listRequest({}), 3 * listCalls);
  await time(large, listRequest({}), 3 * listCalls);
  const rows: Row[] = [];
  for (const [name, filter] of Object.entries(filters)) {
    const body = listRequest({ ...filter, pageSize });
    for (const service of [small, large]) await checkPage(bench, service, body);
    rows.push(await compare(name, body, body));
  }
  const lastFull = few / pageSize;
  const [shallow, deep] = await Promise.all([
    requestOfPage(bench, small, lastFull),
    requestOfPage(bench, large, deepPage),
  ]);
  rows.push(await compare(`page ${lastFull}, against page ${count(deepPage)}`, shallow, deep));
  return {
    columns: ["median latency", `${count(few)} rows`, `${count(many)} rows`, "ratio"],
    rows,
    how: `Pages of ${pageSize}, one call at a time, ${listCalls} calls a run, both databases in turn. Deep pages were reached by walking there once; the last full page of the small database stands beside the ${count(deepPage)}th of the large one.`,
  };
}

async function startWith(bench: Bench, database: string, rows: number): Promise<Service> {
  const { closers, cores } = bench;
  const settings = await postgresSettings(bench, database);
  const sandbox = await startPlatforms(closers);
  await seedInstallations(bench.postgres.urlOf(database), rows);
  return startService(closers, { core: cores.server, env: { ...sandbox.environment, ...settings } });
}

/** A page that is not full would be compared with one that is. */
async function checkPage({ closers }: Bench, service: Service, body: Buffer): Promise<void> {
  const answer = await createUnaryClient(service.grpcAddress, closers)(listPath, body);
  const { installations } = fromBinary(ListInstallationsResponseSchema, answer);
  if (installations.length !== pageSize) throw new Error(`a page of ${installations.length} instead of ${pageSize}`);
}

/** Walks to the page before and takes its token. */
async function requestOfPage({ closers }: Bench, service: Service, page: number): Promise<Buffer> {
  const call = createUnaryClient(service.grpcAddress, closers);
  let pageToken = "";
  for (let at = 1; at < page; at++) {
    const answer = fromBinary(
      ListInstallationsResponseSchema,
      await call(listPath, listRequest({ pageSize, pageToken })),
    );
    pageToken = answer.nextPageToken;
    if (pageToken === "") throw new Error(`there is no page ${at + 1}`);
  }
  return listRequest({ pageSize, pageToken });
}
