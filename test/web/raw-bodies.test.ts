import { once } from "node:events";
import { PassThrough } from "node:stream";
import { expect, test } from "vitest";
import { createRawBodies, type ReadRawBody } from "../../src/web/raw-bodies.ts";

const totalBytes = 1_000_000;

/** A body that arrives as the test sends it. */
function begin(readBody: ReadRawBody) {
  const request = Object.assign(new PassThrough({ highWaterMark: totalBytes }), { headers: {} });
  const read = readBody(request, totalBytes);
  async function send(bytes: number): Promise<void> {
    const arrived = once(request, "data");
    request.write(Buffer.alloc(bytes));
    await arrived;
  }
  return { read, send, end: () => request.end() };
}

test("who fills all the room and never ends gives way to others", async () => {
  const readBody = createRawBodies(totalBytes);
  const strangers = [begin(readBody), begin(readBody), begin(readBody)];
  for (const [index, { send }] of strangers.entries()) await send(300_000 + index);
  const genuine = begin(readBody);
  await genuine.send(150_000);
  genuine.end();
  expect(await genuine.read).toMatchObject({ kind: "body" });
  // The one that held the most, and no other.
  expect(await strangers[2]?.read).toEqual({ kind: "no_room" });
  for (const { end } of strangers) end();
  const kept = await Promise.all(strangers.slice(0, 2).map(({ read }) => read));
  expect(kept.map(({ kind }) => kind)).toEqual(["body", "body"]);
});

test("what is complete is not taken away for what arrives", async () => {
  const readBody = createRawBodies(totalBytes);
  const complete = begin(readBody);
  await complete.send(900_000);
  complete.end();
  const kept = await complete.read;
  const next = begin(readBody);
  await next.send(150_000);
  expect(await next.read).toEqual({ kind: "no_room" });
  if (kept.kind === "body") kept.release();
  const last = begin(readBody);
  await last.send(150_000);
  last.end();
  expect(await last.read).toMatchObject({ kind: "body" });
});
