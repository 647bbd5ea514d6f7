import { afterAll, beforeAll, expect, test } from "vitest";
import { ServiceError } from "../../../src/errors.ts";
import { createClock } from "../../../src/world/clock.ts";
import { connection, minted, scriptedPlatform, tokenSet } from "../../support/scripted-platform.ts";
import { type Domain, openDesk, openDomain } from "../open-domain.ts";

const hourMs = 3_600_000;

let domain: Domain;
beforeAll(async () => {
  domain = await openDomain();
});
afterAll(() => domain.close());

test("after a machine slept, the first call waits for the time and gets no token that ended meanwhile", async () => {
  let sleptMs = 0;
  const clock = createClock(() => Date.now() + sleptMs);
  let away = false;
  const readMs = async () => {
    if (away) throw new ServiceError("SERVICE_UNAVAILABLE", "the database does not answer");
    return Date.now() + sleptMs;
  };
  const world = { ...domain.world, now: clock.now, clock };
  await clock.follow(readMs, world.log);
  const platform = scriptedPlatform();
  const desk = openDesk({ storage: domain.storage, world }, [platform]);
  const [installation] = await domain.connect(connection({ tokens: tokenSet({ value: "ended", lifeMs: hourMs }) }));
  const ask = async () => (await desk.getToken({ installationId: installation?.id })).token.reveal();
  expect(await ask()).toBe("ended");

  sleptMs = 2 * hourMs;
  platform.answer = () => minted({ value: "fresh", now: clock.now() });
  away = true;
  await expect(ask(), "nobody knows the time").rejects.toMatchObject({ reason: "SERVICE_UNAVAILABLE" });
  away = false;
  expect(await ask()).toBe("fresh");
});
