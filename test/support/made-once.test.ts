import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdir, mkdtemp, readdir, readFile, rm, utimes } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, onTestFinished, test } from "vitest";
import { until } from "../../rig/gate.ts";
import { makeOnce } from "../../rig/made-once.ts";

async function makeFolder(): Promise<string> {
  const made = await mkdtemp(join(tmpdir(), "oauth-token-service-made-once-"));
  onTestFinished(() => rm(made, { recursive: true, force: true }));
  return made;
}

/** Asks for a file, says that it does, and if it is the one that makes it, does so once its input ends. */
const asking = `
  import { writeFileSync } from "node:fs";
  import { makeOnce } from ${JSON.stringify(fileURLToPath(new URL("../../rig/made-once.ts", import.meta.url)))};
  const { FOLDER, NAME } = process.env;
  writeFileSync(FOLDER + "/" + NAME + ".asks", "");
  await makeOnce(FOLDER + "/made", async (unfinished) => {
    writeFileSync(unfinished, NAME);
    writeFileSync(FOLDER + "/" + NAME + ".makes", "");
    for await (const _ of process.stdin);
  });
`;

test("one process makes it, and of those that wait one goes on when that is killed", async () => {
  const folder = await makeFolder();
  const ask = (name: string) => {
    const env = { PATH: process.env.PATH ?? "", FOLDER: folder, NAME: name };
    const child = spawn(process.execPath, ["--input-type=module", "--eval", asking], {
      env,
      stdio: ["pipe", "inherit", "inherit"],
    });
    onTestFinished(() => void child.kill("SIGKILL"));
    const letGo = () => child.stdin.end();
    return { letGo, kill: () => child.kill("SIGKILL"), exit: new Promise((resolve) => child.once("exit", resolve)) };
  };
  const makers = async () => (await readdir(folder)).filter((name) => name.endsWith(".makes")).sort();
  const first = ask("first");
  await until(async () => (await makers()).length === 1, "the first one makes it");
  const others = [ask("second"), ask("third")];
  await until(() => existsSync(join(folder, "second.asks")) && existsSync(join(folder, "third.asks")), "others ask");
  first.kill();
  await first.exit;
  await until(async () => (await makers()).length === 2, "another one makes it");
  for (const other of others) other.letGo();
  expect(await Promise.all(others.map(({ exit }) => exit))).toEqual([0, 0]);
  const maker = await readFile(join(folder, "made"), "utf8");
  expect(["second", "third"]).toContain(maker);
  expect(await makers()).toEqual(["first.makes", `${maker}.makes`]);
});

test("what was not made to the end is made anew, and what is old goes", async () => {
  const folder = await makeFolder();
  for (const name of ["made.unfinished", "old", "young"]) await mkdir(join(folder, name));
  const twoDaysAgo = Date.now() / 1_000 - 2 * 86_400;
  await utimes(join(folder, "old"), twoDaysAgo, twoDaysAgo);
  const failing = makeOnce(join(folder, "made"), async (unfinished) => {
    await mkdir(unfinished);
    throw new Error("in the middle");
  });
  await expect(failing).rejects.toThrow("in the middle");
  await makeOnce(join(folder, "made"), (unfinished) => mkdir(unfinished).then(() => undefined));
  await makeOnce(join(folder, "made"), () => Promise.reject(new Error("it is there")));
  expect((await readdir(folder)).filter((name) => !name.includes(".lock"))).toEqual(["made", "young"]);
});
