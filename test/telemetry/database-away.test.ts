import { expect, test } from "vitest";
import { until } from "../../rig/gate.ts";
import { useService } from "../end-to-end/support/use-service.ts";
import { scrape } from "./scrape.ts";

const shared = useService({ throughLine: true });
const prefix = "oauth_token_service_";
const read = () => scrape(shared.service.replicas[0]!.internalUrl);

test("while the database is away /metrics answers in time, says so, and shows no old numbers", async () => {
  const { service } = shared;
  await service.connect("slack");
  await until(async () => (await read()).sum(`${prefix}installations`, { platform: "slack" }) === 1, "a count");
  service.line?.set("freeze");
  const isDown = async () => {
    const now = await read();
    return (
      now.sum(`${prefix}database_up`) + now.sum(`${prefix}change_feed_up`) + now.sum(`${prefix}statistics_up`) === 0
    );
  };
  await until(isDown, "all of it is down");
  const startedMs = performance.now();
  const now = await read();
  expect(performance.now() - startedMs).toBeLessThan(4_000);
  expect(now.samples.filter(({ name }) => name === `${prefix}installations`)).toEqual([]);
  expect(now.samples.filter(({ name }) => name === `${prefix}statistics_up`)).toMatchObject([{ value: 0 }]);
  service.line?.set("forward");
  await until(async () => (await read()).sum(`${prefix}statistics_up`) === 1, "a count after the outage");
  await until(async () => (await read()).sum(`${prefix}database_up`) === 1, "the database is up");
  expect((await read()).sum(`${prefix}installations`, { platform: "slack", status: "active" })).toBe(1);
});
