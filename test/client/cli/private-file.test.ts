import { execFile } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { expect, onTestFinished, test } from "vitest";

const program = new URL("../../../client/src/cli/accounts/private-file.ts", import.meta.url);

test("a disk that takes a part only leaves the old file as it is, and no draft", async () => {
  const folder = mkdtempSync(join(tmpdir(), "oauth-token-full-"));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const path = join(folder, "made/by/it/file");
  const write = (text: string) => {
    const script = `(await import(${JSON.stringify(program.href)})).writePrivateFile(${JSON.stringify(path)}, ${text}, "x")`;
    // No file of that process may be larger than eight blocks.
    const limited = 'umask 0; trap "" XFSZ; ulimit -f 8; exec "$0" --input-type=module -e "$1"';
    return promisify(execFile)("sh", ["-c", limited, process.execPath, script]);
  };
  await write('"old"');
  expect(statSync(join(folder, "made")).mode & 0o777).toBe(0o700);
  await expect(write('"x".repeat(100_000)')).rejects.toThrow("EFBIG");
  expect([readFileSync(path, "utf8"), readdirSync(join(folder, "made/by/it"))]).toEqual(["old", ["file"]]);
});
