import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir, mkdtemp, readdir, readFile, rm, stat, symlink, writeFile } from "node:fs/promises";
import { hostname, tmpdir } from "node:os";
import { join, relative } from "node:path";
import { promisify } from "node:util";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { type DataDirectoryLock, lockDataDirectory } from "../../../src/storage/embedded/directory-lock.ts";
import { type Peer, startPeer } from "./directory-peer.ts";

const now = new Date("2026-03-04T05:06:07.000Z");
const holderOf = async (directory: string) => JSON.parse(await readFile(join(directory, "lock"), "utf8"));
const filesOf = async (directory: string) => (await readdir(directory)).toSorted();

let root: string;
let directory: string;
const cleanups: (() => Promise<void> | void)[] = [];

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), "data-directory-"));
  directory = join(root, "deep", "data");
});

afterEach(async () => {
  for (const cleanup of cleanups.splice(0)) await cleanup();
  await rm(root, { recursive: true, force: true });
});

async function lock(path: string): Promise<DataDirectoryLock> {
  const taken = await lockDataDirectory(path, () => now);
  cleanups.push(() => taken.release());
  return taken;
}

async function peer(wrapper?: readonly string[]): Promise<Peer> {
  const started = await startPeer(wrapper);
  cleanups.push(started.kill);
  return started;
}

describe("a free directory", () => {
  test("is made for its owner only, and its lock names the process", async () => {
    await lock(directory);
    expect((await stat(directory)).mode & 0o777).toBe(0o700);
    for (const file of ["lock", "lock.db"]) expect((await stat(join(directory, file))).mode & 0o777).toBe(0o600);
    expect(await holderOf(directory)).toEqual({ host: hostname(), pid: process.pid, since: now.toISOString() });
    expect(await filesOf(directory)).toEqual(["lock", "lock.db"]);
  });

  test("is free again after its release, which may be repeated", async () => {
    const first = await lock(directory);
    first.release();
    expect(await filesOf(directory)).toEqual(["lock.db"]);
    await lock(directory);
    first.release();
    await expect(lock(directory)).rejects.toThrow(`process ${process.pid}`);
    expect(await filesOf(directory)).toEqual(["lock", "lock.db"]);
  });

  test.each([
    ["an earlier version's lock", '{"pid":1,"process_start":"a","locked_at":"2026-01-01T00:00:00Z","id":"0"}'],
    ["half a name", '{"host":'],
  ])("may hold %s", async (_what, text) => {
    await mkdir(directory, { recursive: true });
    await writeFile(join(directory, "lock"), text);
    await lock(directory);
    expect(await holderOf(directory)).toMatchObject({ pid: process.pid });
  });
});

describe("a living holder", () => {
  test("keeps every other process out until it releases", async () => {
    const [first, second] = await Promise.all([peer(), peer()]);
    expect(await first.lock(directory)).toBe("held");
    const before = await holderOf(directory);

    const refusal = await second.lock(directory);
    expect(refusal).toContain(
      `${directory} is in use by process ${first.pid} on ${hostname()} since ${before.since}: stop that process`,
    );
    expect(refusal).toMatch(/DATA_DIR.*DATABASE_URL/);
    await expect(lock(directory)).rejects.toThrow(`process ${first.pid}`);
    expect(await holderOf(directory)).toEqual(before);

    await first.release();
    expect(await second.lock(directory)).toBe("held");
  });

  test("keeps itself out as well, by whatever name it asks and however often", async () => {
    const asked = await Promise.allSettled(Array.from({ length: 5 }, () => lock(directory)));
    const taken = asked.flatMap((one) => (one.status === "fulfilled" ? [one.value] : []));
    expect(taken).toHaveLength(1);
    const alias = join(root, "alias");
    await symlink(directory, alias);
    for (const name of [alias, relative(process.cwd(), directory)]) {
      await expect(lock(name)).rejects.toThrow(`${name} is in use by process ${process.pid}`);
    }
    // A refused attempt in this process must not have opened and closed the file, which would end the lock.
    expect(await (await peer()).lock(directory)).toContain(`process ${process.pid}`);
    taken[0]?.release();
    await lock(alias);
  });

  test("keeps processes out that see other pids, as in another container", async () => {
    const wrapper = ["unshare", "--user", "--map-root-user", "--pid", "--fork", "--kill-child"];
    const possible = await promisify(execFile)(wrapper[0] ?? "", [...wrapper.slice(1), "true"]).then(
      () => true,
      () => false,
    );
    await lock(directory);
    // Where namespaces may not be made, it is at least another process.
    const other = await peer(possible ? wrapper : undefined);
    expect(await other.lock(directory)).toContain(`in use by process ${process.pid} on ${hostname()}`);
  });

  test("keeps others out while it is stopped, and is named though its name was lost", async () => {
    const [stopped, other] = await Promise.all([peer(), peer()]);
    expect(await stopped.lock(directory)).toBe("held");
    process.kill(stopped.pid, "SIGSTOP");
    expect(await other.lock(directory)).toContain(`process ${stopped.pid}`);
    await writeFile(join(directory, "lock"), '{"host":"\\u001b[2J","pid":1,"since":"2026-01-01T00:00:00Z"}');
    expect(await other.lock(directory)).toContain("in use by another process, or is on a network file system");
  });
});

describe("a dead holder", () => {
  test("that was killed loses the directory, though a child of its lives on", async () => {
    const [killed, next] = await Promise.all([peer(), peer()]);
    expect(await killed.lock(directory)).toBe("held");
    const child = Number(await killed.fork());
    cleanups.push(() => void process.kill(child, "SIGKILL"));
    await killed.kill();
    expect(process.kill(child, 0)).toBe(true);
    expect(await next.lock(directory)).toBe("held");
    expect(await holderOf(directory)).toMatchObject({ pid: next.pid });
    expect(await filesOf(directory)).toEqual(["lock", "lock.db"]);
  });

  test("is followed by exactly one of eight processes that race for the lock", async () => {
    const rivals = await Promise.all(Array.from({ length: 8 }, () => peer()));
    for (let round = 0; round < 10; round++) {
      directory = join(root, `round-${round}`);
      const answers = await Promise.all(rivals.map((rival) => rival.lock(directory)));
      const holders = rivals.filter((_, index) => answers[index] === "held");
      expect(holders).toHaveLength(1);
      const [holder] = holders;
      for (const answer of answers) {
        if (answer !== "held") expect(answer).toContain(`in use by process ${holder?.pid} on`);
      }
      await Promise.all(rivals.map((rival) => rival.release()));
      expect(await filesOf(directory)).toEqual(["lock.db"]);
    }
  });

  test("named in a copy of the directory is no holder of the copy", async () => {
    await lock(directory);
    const copy = join(root, "copy");
    // By another process: reading the file here would end the lock.
    await once(spawn("cp", ["-a", directory, copy]), "exit");
    expect(await holderOf(copy)).toEqual(await holderOf(directory));
    await lock(copy);
    await expect(lock(directory)).rejects.toThrow("in use");
  });
});

test("a lock that the file system does not give is told so", async () => {
  await mkdir(join(directory, "lock.db"), { recursive: true });
  await expect(lock(directory)).rejects.toThrow(
    `the data directory ${directory} cannot be locked (unable to open database file): set DATA_DIR to a local disk`,
  );
});
