import { openSync } from "node:fs";
import { expect, test } from "vitest";
import { startOperator } from "../support/operator.ts";

/** What a reader of standard output that begins late gets, and how the command ended. */
function run(args: readonly string[], stdout: "pipe" | number) {
  const child = startOperator(args, {}, ["ignore", stdout, "pipe"]);
  const complaints: Buffer[] = [];
  child.stderr?.on("data", (chunk: Buffer) => void complaints.push(chunk));
  const ended = new Promise<number | null>((resolve) => void child.once("close", resolve));
  return { child, ended, complaint: () => Buffer.concat(complaints).toString() };
}

test("a command whose output has no place is not done", async () => {
  const { ended } = run(["keys", "generate"], openSync("/dev/full", "w"));
  expect(await ended).toBe(1);
});

test("a command whose reader has seen enough does not complain", async () => {
  const { child, ended, complaint } = run(["--help"], "pipe");
  child.stdout?.destroy();
  expect([await ended, complaint()]).toEqual([0, ""]);
});
