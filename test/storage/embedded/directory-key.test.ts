import { randomBytes } from "node:crypto";
import { chmod, mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { readOrCreateKey } from "../../../src/storage/embedded/directory-key.ts";
import { generateKey, parseKeyRing } from "../../../src/storage/seal/key-ring.ts";

let directory: string;
let path: string;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "data-directory-key-"));
  path = join(directory, "encryption.key");
});

afterEach(() => rm(directory, { recursive: true }));

test("makes a key on first use, for its owner only, and finds it again", async () => {
  const made = await readOrCreateKey(directory, randomBytes);
  expect(parseKeyRing(made)).toHaveLength(1);
  expect((await stat(path)).mode & 0o777).toBe(0o600);
  expect(await readdir(directory)).toEqual(["encryption.key"]);
  await mkdir(join(directory, "db"));
  expect((await readOrCreateKey(directory, randomBytes)).reveal()).toBe(made.reveal());
});

test("makes the directory too", async () => {
  const deep = join(directory, "deep");
  await readOrCreateKey(deep, randomBytes);
  expect((await stat(deep)).mode & 0o777).toBe(0o700);
});

test("reads several keys, as they are kept during a rotation", async () => {
  const keys = `${generateKey(randomBytes).reveal()},${generateKey(randomBytes).reveal()}`;
  await writeFile(path, `${keys}\n`, { mode: 0o600 });
  expect((await readOrCreateKey(directory, randomBytes)).reveal()).toBe(keys);
});

test("makes no new key for a database that was sealed with a lost one", async () => {
  await mkdir(join(directory, "db"));
  const refused = expect(readOrCreateKey(directory, randomBytes)).rejects;
  await refused.toThrow(`${path} is missing`);
  await expect(readOrCreateKey(directory, randomBytes)).rejects.toThrow("TOKEN_ENCRYPTION_KEY");
  expect(await readdir(directory)).toEqual(["db"]);
});

test.each([0o640, 0o604, 0o666, 0o610])("refuses a key file that others may use: mode %o", async (mode) => {
  await readOrCreateKey(directory, randomBytes);
  await chmod(path, mode);
  await expect(readOrCreateKey(directory, randomBytes)).rejects.toThrow(`chmod 600 ${path}`);
});

const corrupted: readonly (readonly [how: string, harm: (key: string) => string | Buffer, reason: string])[] = [
  ["is empty", () => "", "the 1st key is empty"],
  ["holds a line end", () => "\n", "the 1st key is empty"],
  ["is cut", (key) => key.slice(0, 20), "the 1st key is not a Fernet key"],
  ["is full of zeros, as after a power failure", () => Buffer.alloc(45), "the 1st key is not a Fernet key"],
  ["holds something else", () => "canary-not-a-key", "the 1st key is not a Fernet key"],
  ["has a second key that is cut", (key) => `${key},${key.slice(0, 20)}`, "the 2nd key is not a Fernet key"],
];
test.each(corrupted)("names a file that %s, tells what to do, and leaves all as it is", async (_how, harm, reason) => {
  const text = harm(generateKey(randomBytes).reveal());
  await mkdir(join(directory, "db"));
  await writeFile(path, text, { mode: 0o600 });
  const error = await readOrCreateKey(directory, randomBytes).catch((refusal: Error) => refusal);
  const message = error instanceof Error ? error.message : "read";
  expect(message).toContain(`${path} does not hold encryption keys (${reason}`);
  expect(message).toContain(
    "): put back the file that was there, or set TOKEN_ENCRYPTION_KEY to the key that was used, " +
      `or move it and ${join(directory, "db")} away to begin anew`,
  );
  if (text.length > 1) expect(message).not.toContain(text.toString());
  expect(await readFile(path)).toEqual(Buffer.from(text));
  expect((await readdir(directory)).sort()).toEqual(["db", "encryption.key"]);
});

test("is told where the key's file is a folder, as a container makes one for a file that is not there", async () => {
  await mkdir(path, { mode: 0o700 });
  await expect(readOrCreateKey(directory, randomBytes)).rejects.toThrow(
    `${path} does not hold encryption keys (it is no file)`,
  );
});

test("of several processes that make the key at once, none overwrites another's", async () => {
  const made = await Promise.allSettled(Array.from({ length: 8 }, () => readOrCreateKey(directory, randomBytes)));
  const keys = made.flatMap((one) => (one.status === "fulfilled" ? [one.value.reveal()] : []));
  const kept = (await readOrCreateKey(directory, randomBytes)).reveal();
  expect(keys.length).toBeGreaterThan(0);
  expect(new Set(keys)).toEqual(new Set([kept]));
  expect(await readdir(directory)).toEqual(["encryption.key"]);
});
