import { randomBytes } from "node:crypto";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createBeginFlow } from "../../../src/domain/flows/begin-flow.ts";
import { createFlowProgress } from "../../../src/domain/flows/flow-progress.ts";
import { createFlowWatch, type FlowLook } from "../../../src/domain/flows/watch-flow.ts";
import { ServiceError } from "../../../src/errors.ts";
import { createSharedLook } from "../../../src/work/shared-look.ts";
import { type Domain, openDomain } from "../open-domain.ts";

let domain: Domain;
beforeAll(async () => {
  domain = await openDomain();
});
afterAll(() => domain.close());

const portal = "https://portal.example";
const own = "https://own.example";
const goesOn = new AbortController().signal;

/** A replica's view of flows. */
function openWatch(find = domain.storage.flows.find) {
  const { storage, world } = domain;
  const flows = { ...storage.flows, find };
  return createFlowWatch({ flows, tail: createSharedLook(find), origins: new Set([own]), world });
}

async function opening(): Promise<string> {
  const hash = randomBytes(32).toString("hex");
  const begin = createBeginFlow(domain.storage.flows, domain.world);
  expect(await begin(hash, { platform: "slack", linkHash: undefined })).toBe(true);
  return hash;
}

async function begun(): Promise<string> {
  const hash = await opening();
  await domain.tellFlow(hash, { state: "at_platform", returnTo: `${portal}/done` });
  return hash;
}

const status = (look: FlowLook) => (typeof look === "string" ? look : look.status);
const look = async (hash: string, origin = portal) => status(await openWatch().look(hash, origin, 1, goesOn));

describe("who may look", () => {
  test("is the origin that it leads back to, and no other", async () => {
    const hash = await begun();
    expect(await look(hash)).toBe("at_platform");
    for (const other of [own, "https://portal.example.evil.example", "http://portal.example", "null", ""]) {
      expect(await look(hash, other)).toBe("other_origin");
      expect(await openWatch().close(hash, other)).toBe("other_origin");
    }
  });

  test("is any allowed origin where it leads nowhere", async () => {
    const nowhere = await opening();
    await domain.tellFlow(nowhere, { state: "at_platform", returnTo: undefined });
    expect([await look(nowhere, own), await look(nowhere, portal)]).toEqual(["at_platform", "other_origin"]);
  });

  test("is nobody before it is known who", async () => {
    const hash = await opening();
    expect([await look(hash, own), await openWatch().close(hash, own)]).toEqual(["unknown", "unknown"]);
  });
});

describe("a flow that is watched", () => {
  test("is waited for until its popup arrives", async () => {
    const hash = await opening();
    const looked = openWatch().look(hash, portal, 60_000, goesOn);
    await domain.tellFlow(hash, { state: "at_platform", returnTo: portal });
    expect(status(await looked)).toBe("at_platform");
  });

  test("is told of by any replica, step by step, to its end", async () => {
    const hash = await begun();
    const watch = openWatch();
    const first = await watch.look(hash, portal, 1, goesOn);
    if (typeof first === "string") throw new Error(first);
    await domain.tellFlow(hash, { state: "finishing" });
    const second = await watch.next(hash, first, 60_000, goesOn);
    await domain.tellFlow(hash, { state: "connected", completion: true });
    const third = await watch.next(hash, second, 60_000, goesOn);
    expect([first, second, third].map(({ status, completion }) => [status, completion])).toEqual([
      ["at_platform", false],
      ["finishing", false],
      ["connected", true],
    ]);
  });

  test.each([
    ["denied", "denied"],
    ["code_rejected", "failed"],
  ] as const)("that failed as %s is %s, and says why", async (reason, expected) => {
    const hash = await begun();
    await domain.tellFlow(hash, { state: "failed", reason });
    expect(await openWatch().look(hash, portal, 1, goesOn)).toMatchObject({ status: expected, reason });
  });

  test("has expired when its attempt has", async () => {
    const hash = await begun();
    domain.clock.advance(600_001);
    expect(await look(hash)).toBe("expired");
  });
});

describe("a popup that seems closed", () => {
  test("has abandoned its flow if nothing moves for ten seconds, and a watch hears so", async () => {
    const hash = await begun();
    const watch = openWatch();
    const seen = await watch.look(hash, portal, 1, goesOn);
    if (typeof seen === "string") throw new Error(seen);
    expect(await watch.close(hash, portal)).toBe("closed");
    expect(await look(hash)).toBe("at_platform");
    const heard = watch.next(hash, seen, 60_000, goesOn);
    domain.clock.advance(10_001);
    expect((await heard).status).toBe("abandoned");
  });

  test("was isolated and not closed where the flow goes on", async () => {
    const hash = await begun();
    await openWatch().close(hash, portal);
    domain.clock.advance(5_000);
    await domain.tellFlow(hash, { state: "finishing" });
    domain.clock.advance(20_000);
    expect(await look(hash)).toBe("finishing");
    await domain.tellFlow(hash, { state: "at_platform", returnTo: portal });
    domain.clock.advance(20_000);
    expect(await look(hash)).toBe("at_platform");
  });

  test("loses to a callback that comes later", async () => {
    const hash = await begun();
    await openWatch().close(hash, portal);
    domain.clock.advance(11_000);
    expect(await look(hash)).toBe("abandoned");
    await domain.tellFlow(hash, { state: "finishing" });
    await domain.tellFlow(hash, { state: "connected", completion: false });
    expect(await look(hash)).toBe("connected");
  });
});

test("what watches hear of a database that stays away is that, after five looks", async () => {
  const away = () => Promise.reject(new ServiceError("SERVICE_UNAVAILABLE", "away"));
  const watch = openWatch(away);
  const seen = { status: "at_platform", platform: "slack", reason: undefined, completion: false } as const;
  await expect(watch.next("hash", seen, 60_000, goesOn)).rejects.toThrow("away");
});

test("a connection does not fail for a flow that cannot be told", async () => {
  const move = () => Promise.reject(new ServiceError("SERVICE_UNAVAILABLE", "away"));
  await createFlowProgress({ move }, domain.world)("hash", { state: "finishing" });
  expect(domain.world.lines.at(-1)).toContain("flow.not_told");
});
