import { Writable } from "node:stream";
import { expect, test } from "vitest";
import { fileOutput, streamOutput } from "../../src/world/line-output.ts";

const line = `${"x".repeat(1023)}\n`;

/** A reader that takes what it is sent only when it is told to. */
function stalledReader() {
  const waiting: (() => void)[] = [];
  const stream = new Writable({
    write: (_chunk, _encoding, done) => void waiting.push(done),
    writev: (_chunks, done) => void waiting.push(done),
  });
  return {
    stream,
    async readAll() {
      for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
        next();
        await new Promise(setImmediate);
      }
    },
  };
}

test("a stalled reader costs 1 MiB and the lines beyond, and is told of them once when it reads again", async () => {
  const { stream, readAll } = stalledReader();
  const losses: number[] = [];
  const output = streamOutput(stream, (lines) => void losses.push(lines));
  for (let n = 0; n < 1500; n++) output.write(line);
  expect(output.dropped()).toBe(476);
  expect(stream.writableLength).toBe(1024 * 1024);
  expect(losses).toEqual([]);
  await readAll();
  expect(losses).toEqual([476]);
  output.write(line);
  await readAll();
  expect([losses, output.dropped()]).toEqual([[476], 476]);
});

test("a reader that has left costs the lines alone", async () => {
  const stream = new Writable({
    write: (_chunk, _encoding, done) => done(Object.assign(new Error("EPIPE"), { code: "EPIPE" })),
  });
  const output = streamOutput(stream, () => undefined);
  output.write(line);
  await new Promise(setImmediate);
  output.write(line);
  expect(output.dropped()).toBe(1);
  await output.flush(60_000);
});

test("the end waits for the reader of what was written, and not for ever", async () => {
  const { stream, readAll } = stalledReader();
  const output = streamOutput(stream, () => undefined);
  await output.flush(60_000);
  output.write(line);
  let flushed = false;
  const flush = output.flush(60_000).then(() => {
    flushed = true;
  });
  await new Promise(setImmediate);
  expect(flushed).toBe(false);
  await readAll();
  await flush;
  output.write(line);
  await output.flush(1);
});

test("a full disk costs the lines that meet it", () => {
  const losses: number[] = [];
  const written: string[] = [];
  let full = false;
  const append = (_fd: number, bytes: Uint8Array) => {
    if (full) throw Object.assign(new Error("ENOSPC"), { code: "ENOSPC" });
    // Part of it, as the system may.
    const part = bytes.subarray(0, 600);
    written.push(Buffer.from(part).toString());
    return part.length;
  };
  const output = fileOutput(1, (lines) => void losses.push(lines), append);
  output.write(line);
  expect(written.join("")).toBe(line);
  full = true;
  output.write(line);
  output.write(line);
  full = false;
  expect(losses).toEqual([]);
  output.write(line);
  expect([losses, output.dropped()]).toEqual([[2], 2]);
});
