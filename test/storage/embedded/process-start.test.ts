import { describe, expect, onTestFinished, test } from "vitest";
import { processStart, processStartByPs } from "../../../src/storage/embedded/process-start.ts";
import { startPeer, startZombie } from "./directory-peer.ts";

describe.each([
  { source: "the system", startOf: processStart },
  { source: "ps", startOf: processStartByPs },
])("by $source", ({ startOf }) => {
  test("a process has one start for as long as it lives, and none afterwards", async () => {
    const peer = await startPeer();
    onTestFinished(peer.kill);
    const start = await startOf(peer.pid);
    expect(start).toMatch(/\d/);
    expect(await startOf(peer.pid)).toBe(start);
    await peer.kill();
    expect(await startOf(peer.pid)).toBeUndefined();
  });

  test("processes that began at different times have different starts", async () => {
    expect(await startOf(process.pid)).not.toBe(await startOf(1));
  });

  test("a zombie has none", async () => {
    const zombie = await startZombie();
    onTestFinished(zombie.end);
    await expect.poll(() => startOf(zombie.pid)).toBeUndefined();
    expect(process.kill(zombie.pid, 0)).toBe(true);
  });
});
