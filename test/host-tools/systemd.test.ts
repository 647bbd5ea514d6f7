import { execFile } from "node:child_process";
import { cp, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, test } from "vitest";

const run = promisify(execFile);
const unit = "oauth-token-service.service";
let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "oauth-token-service-unit-"));
  await cp(fileURLToPath(new URL("../../deploy/systemd", import.meta.url)), folder, { recursive: true });
  const text = await readFile(join(folder, unit), "utf8");
  // The program has to be there for it to be verified.
  await writeFile(join(folder, unit), text.replace("/usr/bin/node", process.execPath));
});
afterAll(() => rm(folder, { recursive: true }));

test("systemd-analyze verify has nothing to say, of the drop-in neither", async () => {
  const said = await run("systemd-analyze", ["verify", "--man=no", join(folder, unit)]);
  expect(said).toEqual({ stdout: "", stderr: "" });
});

test("systemd-analyze verify sees a misspelt setting", async () => {
  const text = await readFile(join(folder, unit), "utf8");
  const misspelt = join(folder, "misspelt.service");
  await writeFile(misspelt, text.replace("ProtectHome=", "ProtectHomes="));
  const { stderr } = await run("systemd-analyze", ["verify", "--man=no", misspelt]);
  expect(stderr).toContain("ProtectHomes");
});

test("systemd-analyze security counts an exposure of 1.5 at most", async () => {
  await run("systemd-analyze", ["security", "--offline=true", "--threshold=15", join(folder, unit)]);
});
