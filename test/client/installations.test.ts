import { getEventListeners } from "node:events";
import { describe, expect, test } from "vitest";
import type { Installation, InstallationChange } from "../../client/src/index.ts";
import { until } from "../../rig/gate.ts";
import { ServiceError } from "../../src/errors.ts";
import type { UseCases } from "../../src/rpc/methods.ts";
import { installation, installationId } from "../rpc/fake-use-cases.ts";
import { doors, issue, openClient, openDoors } from "./support/doors.ts";

type Watch = UseCases["watchInstallations"];

const noneMore = { installations: [], next: undefined };
const place = (sequence: number) => ({ sequence, mark: "begun" });

/** Says no more until it is ended. */
function silence(signal: AbortSignal): Promise<never> {
  return new Promise((_resolve, reject) => {
    if (signal.aborted) reject(signal.reason);
    signal.addEventListener("abort", () => reject(signal.reason));
  });
}

async function collect(changes: AsyncIterable<InstallationChange>, count: number): Promise<readonly string[]> {
  const seen: string[] = [];
  for await (const { change } of changes) if (seen.push(change) === count) break;
  return seen;
}

describe.each(doors)("by %s", (door) => {
  test("a list is read page after page, with times as dates and without what is unset", async () => {
    const asked: unknown[] = [];
    const { address } = await openDoors({
      listInstallations: async (filter, { size, after }) => {
        asked.push([filter.platform, filter.status, size]);
        const last = { createdAt: new Date("2026-01-01T00:00:00.001Z"), id: installationId };
        return after === undefined
          ? { installations: [installation({ owner: "acme" })], next: last }
          : { installations: [installation({ externalOrgName: "second", status: "suspended" })], next: undefined };
      },
    });
    const client = openClient({ address: address(door) });
    const filter = { platform: "github", status: "INSTALLATION_STATUS_ACTIVE", pageSize: 1 } as const;
    const all: Installation[] = [];
    for await (const one of client.installations(filter)) all.push(one);
    expect(all.map(({ externalOrgName, status }) => [externalOrgName, status])).toEqual([
      ["acme", "INSTALLATION_STATUS_ACTIVE"],
      ["second", "INSTALLATION_STATUS_SUSPENDED"],
    ]);
    expect(all[0]).toEqual({
      ...{ id: installationId, platform: "github", status: "INSTALLATION_STATUS_ACTIVE", owner: "acme" },
      ...{ externalOrgId: "4711", externalOrgName: "acme", externalInstallId: "99", installedBy: "octocat" },
      ...{ scopes: [], permissions: { contents: "read" }, metadata: { account_type: "Organization" }, lastError: "" },
      createTime: new Date("2026-01-01T00:00:00.001Z"),
      updateTime: new Date("2026-01-02T00:00:00Z"),
    });
    expect(asked).toEqual(Array(2).fill(["github", "active", 1]));
  });

  test("what is connected is what is active, of that owner", async () => {
    const { address } = await openDoors({
      listInstallations: async ({ status, owner }) => ({
        installations: status === "active" && owner !== "nobody" ? [installation()] : [],
        next: undefined,
      }),
    });
    const client = openClient({ address: address(door) });
    expect(await client.isConnected("github")).toBe(true);
    expect(await client.isConnected("github", "nobody")).toBe(false);
  });

  test("a link, its completion and a revocation have the fields of the contract", async () => {
    const { address } = await openDoors({});
    const client = openClient({ address: address(door) });
    const request = { platform: "jira", owner: "acme", ttl: 60, scopes: ["read:me"], confirmPage: true };
    expect(await client.createInstallLink(request)).toEqual({
      url: "https://x/?link=1",
      expireTime: new Date("2026-02-01T00:00:00Z"),
    });
    const { installations } = await client.completeInstall({ completionCode: "code", owner: "acme" });
    expect(installations.map(({ id }) => id)).toEqual([installationId]);
    for (const which of [installationId, { installationId, reason: "test" }]) {
      const revocation = await client.revoke(which);
      expect(revocation.providerRevocation).toBe("PROVIDER_REVOCATION_REVOKED");
      expect(revocation.installation).toMatchObject({
        status: "INSTALLATION_STATUS_REVOKED",
        revokeTime: new Date("2026-02-01T00:00:00Z"),
      });
    }
  });

  test("a watch goes on where it was when its stream ends, and hangs up when the loop is left", async () => {
    const from: unknown[] = [];
    let open = 0;
    const watchInstallations: Watch = async function* (_filter, place_, _call, signal) {
      from.push(typeof place_ === "object" ? place_.sequence : place_);
      open += 1;
      try {
        if (from.length === 1) {
          yield { kind: "present", installation: installation() };
          yield { kind: "synced", place: place(7) };
          throw new ServiceError("SERVICE_UNAVAILABLE", "this replica goes");
        }
        yield { kind: "updated", installation: installation({ status: "suspended" }), place: place(8) };
        await silence(signal);
      } finally {
        open -= 1;
      }
    };
    const { address } = await openDoors({ watchInstallations });
    const client = openClient({ address: address(door) });
    const seen = await collect(client.watch({ platform: "github" }), 3);
    expect(seen).toEqual(["CHANGE_PRESENT", "CHANGE_SYNCED", "CHANGE_UPDATED"]);
    expect(from).toEqual([undefined, 7]);
    await until(() => open === 0, "it hangs up");
  });

  test("a watch that waits ends at once: left, aborted, or with its client", async () => {
    let open = 0;
    const watchInstallations: Watch = async function* (_filter, _place, _call, signal) {
      open += 1;
      try {
        yield { kind: "synced", place: place(1) };
        await silence(signal);
      } finally {
        open -= 1;
      }
    };
    const { address } = await openDoors({ watchInstallations });
    const client = openClient({ address: address(door) });
    const begin = async (signal?: AbortSignal) => {
      const changes = client.watch({}, signal === undefined ? {} : { signal });
      expect((await changes.next()).value).toMatchObject({ change: "CHANGE_SYNCED" });
      return { changes, next: changes.next() };
    };
    const left = await begin();
    expect(await left.changes.return?.()).toEqual({ done: true, value: undefined });
    expect(await left.next).toEqual({ done: true, value: undefined });

    const abort = new AbortController();
    const aborted = await begin(abort.signal);
    abort.abort(new Error("enough"));
    await expect(aborted.next).rejects.toThrow("enough");

    const closed = await begin();
    client.close();
    expect(await closed.next).toEqual({ done: true, value: undefined });
    await until(() => open === 0, "they hang up");
  });

  test("a watch that is left at any moment of its beginning ends nothing else", async () => {
    const watchInstallations: Watch = async function* (_filter, _place, _call, signal) {
      yield { kind: "synced", place: place(1) };
      await silence(signal);
    };
    const { address } = await openDoors({ watchInstallations, listInstallations: async () => noneMore });
    const client = openClient({ address: address(door) });
    const crashes: unknown[] = [];
    const crashed = (error: unknown) => void crashes.push(error);
    process.on("uncaughtExceptionMonitor", crashed);
    try {
      for (let n = 0; n < 12; n++) {
        const abort = new AbortController();
        const next = client.watch({}, { signal: abort.signal }).next();
        for (let turn = 0; turn < n; turn++) await null;
        abort.abort(new Error("enough"));
        await expect(next).rejects.toThrow("enough");
      }
      // What was sent before has been heard when this is answered.
      expect(await client.isConnected("github")).toBe(false);
    } finally {
      process.off("uncaughtExceptionMonitor", crashed);
    }
    expect(crashes).toEqual([]);
  });

  test("a watch that is refused fails", async () => {
    const { address } = await openDoors({
      // biome-ignore lint/correctness/useYield: it is refused before there is anything to tell.
      async *watchInstallations() {
        throw new ServiceError("CALLER_NOT_ALLOWED", "not for you");
      },
    });
    const client = openClient({ address: address(door) });
    await expect(collect(client.watch(), 1)).rejects.toMatchObject({ reason: "CALLER_NOT_ALLOWED" });
  });
});

test("a watch that was left before it began is remembered by nobody", async () => {
  const { signal } = new AbortController();
  await openClient({ address: "127.0.0.1:9" }).watch({}, { signal }).return?.();
  expect(getEventListeners(signal, "abort")).toEqual([]);
});

test("what was lost on the way is sent again, unless that would do harm", async () => {
  const seen = { completeInstall: 0, listInstallations: 0 };
  const lostOnce = async (name: keyof typeof seen) => {
    seen[name] += 1;
    if (seen[name] > 1) return;
    opened.cut();
    await new Promise(() => undefined);
  };
  const opened = await openDoors({
    completeInstall: async () => {
      await lostOnce("completeInstall");
      return [];
    },
    listInstallations: async () => {
      await lostOnce("listInstallations");
      return { installations: [], next: undefined };
    },
  });
  const client = openClient({ address: opened.address("connect") });
  expect(await client.isConnected("github")).toBe(false);
  const completion = client.completeInstall({ completionCode: "code", owner: "acme" });
  await expect(completion).rejects.toMatchObject({ reason: "SERVICE_UNREACHABLE" });
  expect(seen).toEqual({ completeInstall: 1, listInstallations: 2 });
});

test("what is revoked through the client is given out no more", async () => {
  let gets = 0;
  const { address } = await openDoors({
    getToken: async () => {
      gets += 1;
      return issue();
    },
  });
  const client = openClient({ address: address("grpc") });
  const { installationId: id } = await client.getToken({ platform: "github" });
  await client.revoke(id);
  await client.getToken({ platform: "github" });
  expect(gets).toBe(2);
});
