import { randomBytes } from "node:crypto";
import { mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { lockDataDirectory } from "../../../src/storage/embedded/directory-lock.ts";
import { formatHolder } from "../../../src/storage/embedded/lock-holder.ts";
import { processStart } from "../../../src/storage/embedded/process-start.ts";
import { type Peer, startPeer, startZombie } from "./directory-peer.ts";

const now = new Date("2026-03-04T05:06:07.000Z");
const lock = (directory: string) => lockDataDirectory(directory, { now: () => now, random: randomBytes });
const holderOf = async (directory: string) => JSON.parse(await readFile(join(directory, "lock"), "utf8"));

let root: string;
let directory: string;
const cleanups: (() => Promise<void>)[] = [];

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), "data-directory-"));
  directory = join(root, "deep", "data");
});

afterEach(async () => {
  for (const cleanup of cleanups.splice(0)) await cleanup();
  await rm(root, { recursive: true, force: true });
});

async function peer(): Promise<Peer> {
  const started = await startPeer();
  cleanups.push(started.kill);
  return started;
}

/** Puts a lock there as a process that we are not would have left it. */
async function leave(holder: { pid: number; processStart: string }, name = "lock"): Promise<string> {
  const id = randomBytes(8).toString("hex");
  await leaveText(formatHolder({ ...holder, id, lockedAt: now }), name);
  return id;
}

async function leaveText(text: string, name = "lock"): Promise<void> {
  await mkdir(directory, { recursive: true });
  await writeFile(join(directory, name), text);
}

describe("a free directory", () => {
  test("is made for its owner only, and its lock names the process", async () => {
    await lock(directory);
    expect((await stat(directory)).mode & 0o777).toBe(0o700);
    expect((await stat(join(directory, "lock"))).mode & 0o777).toBe(0o600);
    expect(await holderOf(directory)).toMatchObject({
      pid: process.pid,
      process_start: await processStart(process.pid),
      locked_at: now.toISOString(),
    });
    expect(await readdir(directory)).toEqual(["lock"]);
  });

  test("is free again after its release, which may be repeated", async () => {
    const first = await lock(directory);
    await first.release();
    expect(await readdir(directory)).toEqual([]);
    const second = await lock(directory);
    await first.release();
    expect(await readdir(directory)).toEqual(["lock"]);
    await second.release();
  });
});

describe("a living holder", () => {
  test("keeps every other process out until it releases", async () => {
    const [first, second] = await Promise.all([peer(), peer()]);
    expect(await first.lock(directory)).toBe("held");
    const before = await holderOf(directory);

    const refusal = await second.lock(directory);
    expect(refusal).toContain(`${directory} is in use by process ${first.pid} since ${before.locked_at}`);
    expect(refusal).toMatch(/stop that process.*DATA_DIR.*DATABASE_URL/);
    await expect(lock(directory)).rejects.toThrow(`process ${first.pid}`);
    expect(await holderOf(directory)).toEqual(before);
    expect(await readdir(directory)).toEqual(["lock"]);

    await first.release();
    expect(await second.lock(directory)).toBe("held");
  });

  test("keeps itself out as well, even when it asks twice at once", async () => {
    const asked = await Promise.allSettled(Array.from({ length: 5 }, () => lock(directory)));
    const taken = asked.flatMap((one) => (one.status === "fulfilled" ? [one.value] : []));
    expect(taken).toHaveLength(1);
    await expect(lock(directory)).rejects.toThrow(`process ${process.pid}`);
    await taken[0]?.release();
    await lock(directory);
  });
});

describe("a dead holder", () => {
  test("that was killed loses the directory to the next process", async () => {
    const [killed, next] = await Promise.all([peer(), peer()]);
    expect(await killed.lock(directory)).toBe("held");
    await killed.kill();
    expect(await next.lock(directory)).toBe("held");
    expect(await holderOf(directory)).toMatchObject({ pid: next.pid });
    expect(await readdir(directory)).toEqual(["lock"]);
  });

  test("may be a zombie", async () => {
    const zombie = await startZombie();
    cleanups.push(zombie.end);
    await expect.poll(() => processStart(zombie.pid)).toBeUndefined();
    expect(process.kill(zombie.pid, 0)).toBe(true);
    await leave({ pid: zombie.pid, processStart: "whenever" });
    await lock(directory);
    expect(await holderOf(directory)).toMatchObject({ pid: process.pid });
  });

  test("may have had the pid of a process that lives now", async () => {
    const { pid } = await peer();
    const start = (await processStart(pid)) ?? "";
    await leave({ pid, processStart: start });
    await expect(lock(directory)).rejects.toThrow(`process ${pid}`);
    await leave({ pid, processStart: `${start}0` });
    await lock(directory);
  });

  test("may have had our own pid", async () => {
    await leave({ pid: process.pid, processStart: (await processStart(process.pid)) ?? "" });
    await lock(directory);
  });

  test("is not taken for dead where the system does not tell when processes began", async () => {
    const { pid } = await peer();
    await leave({ pid, processStart: "unknown" });
    await expect(lock(directory)).rejects.toThrow(`process ${pid}`);
  });

  test.each(["", "\0\0\0\0", "{", "{}", "null", '{"pid":"1"}', '{"pid":-1,"process_start":"","locked_at":"","id":""}'])(
    "may have left a lock that says nothing: %j",
    async (text) => {
      await leaveText(text);
      await lock(directory);
      expect(await holderOf(directory)).toMatchObject({ pid: process.pid });
    },
  );

  test("may have died while it took over from another dead one", async () => {
    const gone = await peer();
    await gone.kill();
    const first = await leave({ pid: gone.pid, processStart: "a" });
    const second = await leave({ pid: gone.pid, processStart: "b" }, `lock.${first}`);
    await leaveText("", `lock.${second}`);
    await lock(directory);
    expect(await readdir(directory)).toEqual(["lock"]);
  });

  test("is not replaced while a living process is at it", async () => {
    const [gone, rival] = await Promise.all([peer(), peer()]);
    await gone.kill();
    const dead = await leave({ pid: gone.pid, processStart: "a" });
    await leave({ pid: rival.pid, processStart: (await processStart(rival.pid)) ?? "" }, `lock.${dead}`);
    await expect(lock(directory)).rejects.toThrow(`process ${rival.pid}`);
    expect(await holderOf(directory)).toMatchObject({ id: dead });
  });

  test("is followed by exactly one of eight processes that race for its lock", async () => {
    const gone = await peer();
    await gone.kill();
    const rivals = await Promise.all(Array.from({ length: 8 }, peer));
    for (let round = 0; round < 30; round++) {
      directory = join(root, `round-${round}`);
      const dead = await leave({ pid: gone.pid, processStart: "a" });
      if (round % 3 === 1) await leave({ pid: gone.pid, processStart: "b" }, `lock.${dead}`);
      if (round % 3 === 2) await leaveText("");
      const answers = await Promise.all(rivals.map((rival) => rival.lock(directory)));
      const holders = rivals.filter((_, index) => answers[index] === "held");
      expect(holders).toHaveLength(1);
      expect(await holderOf(directory)).toMatchObject({ pid: holders[0]?.pid });
      await Promise.all(rivals.map((rival) => rival.release()));
      expect(await readdir(directory)).toEqual([]);
    }
  });
});

test("a release leaves a lock that is another's by now", async () => {
  const taken = await lock(directory);
  const other = await leave({ pid: 1, processStart: "a" });
  await taken.release();
  expect(await holderOf(directory)).toMatchObject({ id: other });
});
