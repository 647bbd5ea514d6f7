import { startReceiver } from "../../rig/receiver.ts";
import { githubDelivery } from "../../rig/signed-deliveries.ts";
import { quantile } from "../distribution.ts";
import { count, figure, milliseconds } from "../figures.ts";
import { type DeliveryReport, startDeliverer } from "../load/deliveries.ts";
import { type PacedReport, startPacedClient } from "../load/paced-client.ts";
import type { Bench, Findings, Measurement } from "../measurement.ts";
import { processorSeconds } from "../process-usage.ts";
import { getTokenPath, getTokenRequest } from "../requests.ts";
import { postgresSettings, startWarmService } from "../warm-service.ts";

export const deliveries: Measurement = {
  name: "deliveries",
  title: "GetToken beside a burst of what platforms tell",
  run: measure,
};

const callsPerSecond = 100;
const deliveriesPerSecond = 1_000;
const secret = "bench-webhook-secret";
/** About as much as GitHub says of an issue. */
const payloadBytes = 8_000;
const mostRatio = 2;
const answerMs = 200;

async function measure(bench: Bench): Promise<Findings> {
  const { plan, closers } = bench;
  const seconds = plan.quick ? 2 : 10;
  const receiver = await startReceiver();
  closers.add("receiver", receiver.close);
  const kept = await besides(bench, seconds, {});
  const forwarding = { WEBHOOK_FORWARD_URL: receiver.url, WEBHOOK_FORWARD_SECRET: secret };
  const sentOn = await besides(bench, seconds, forwarding);
  const sides = [kept, sentOn];
  const expected = deliveriesPerSecond * seconds;
  return {
    columns: ["", "kept", "kept and sent on"],
    rows: [
      { cells: ["GetToken alone, p99", ...sides.map(({ alone }) => milliseconds(at(alone, 0.99)))] },
      { cells: ["beside the burst, p99", ...sides.map(({ beside }) => milliseconds(at(beside, 0.99)))] },
      {
        cells: ["ratio", ...sides.map(({ alone, beside }) => figure(at(beside, 0.99) / at(alone, 0.99)))],
        target: {
          text: `< ${mostRatio}, kept`,
          met: at(kept.beside, 0.99) < mostRatio * at(kept.alone, 0.99),
        },
      },
      { cells: ["failed calls", ...sides.map(({ beside }) => count(beside.failed))] },
      {
        cells: ["deliveries answered with 2xx", ...sides.map(({ burst }) => `${burst.accepted} of ${expected}`)],
        target: { text: "all", met: sides.every(({ burst }) => burst.accepted === expected) },
      },
      {
        cells: ["answered within, p99", ...sides.map(({ burst }) => milliseconds(at(burst, 0.99)))],
        target: { text: `≤ ${answerMs} ms`, met: sides.every(({ burst }) => at(burst, 0.99) <= answerMs) },
      },
      {
        cells: [
          "processor time of the service for each delivery",
          ...sides.map(({ processorMs }) => milliseconds(processorMs / expected)),
        ],
      },
    ],
    how: `A platform sends ${deliveriesPerSecond} signed deliveries of ${payloadBytes} bytes a second for ${seconds} s, and a grpc-js client asks for a warm token ${callsPerSecond} times a second, in the same ${seconds} s and before; neither waits for one answer before the next request. Each delivery has an id of its own; the receiver of what is sent on is part of the benchmark's own process.`,
  };
}

async function besides(bench: Bench, seconds: number, env: Readonly<Record<string, string>>) {
  const { cores, closers } = bench;
  const name = `bench_deliveries_${Object.keys(env).length}`;
  const settings = await postgresSettings(bench, name);
  const { service, installationId } = await startWarmService(bench, {
    ...settings,
    ...env,
    GITHUB_WEBHOOK_SECRET: secret,
  });
  const paced = startPacedClient(cores.load, closers);
  const send = startDeliverer(cores.load, closers);
  const delivery = githubDelivery(secret, "issues", { action: "opened", issue: { body: "x".repeat(payloadBytes) } });
  const body = getTokenRequest(installationId);
  const ask = () => paced({ address: service.grpcAddress, path: getTokenPath, body, callsPerSecond, seconds });
  const burstOf = (perSecond: number, length: number) =>
    send({
      ...delivery,
      url: `${service.baseUrl}/webhooks/github`,
      idHeader: "x-github-delivery",
      perSecond,
      seconds: length,
    });

  await Promise.all([ask(), burstOf(100, 1)]);
  const alone = await ask();
  const before = (await processorSeconds(service.pid)) ?? Number.NaN;
  const [beside, burst] = await Promise.all([ask(), burstOf(deliveriesPerSecond, seconds)]);
  const processorMs = (((await processorSeconds(service.pid)) ?? Number.NaN) - before) * 1000;
  await service.stop();
  return { alone, beside, burst, processorMs };
}

function at({ latenciesMs }: PacedReport | DeliveryReport, share: number): number {
  return quantile(latenciesMs.toSorted(), share);
}
