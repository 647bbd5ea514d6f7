import { expect, test } from "vitest";
import { send } from "../../src/platforms/http.ts";

const ours = new Date("2026-11-20T12:00:00.500Z");

async function timesOf(headers: Readonly<Record<string, string>>) {
  let now = ours;
  const reply = await send(
    { method: "GET", url: "https://platform.example/", headers: {} },
    {
      now: () => now,
      fetch: async () => {
        // On its way for three seconds.
        now = new Date(ours.getTime() + 3_000);
        return new Response("{}", { headers });
      },
    },
  );
  if (reply.kind !== "reply") throw new Error(reply.kind);
  return { sentAt: reply.sentAt, receivedAt: reply.receivedAt };
}

test("what came back knows when it was asked for, and the platform's own time", async () => {
  expect(await timesOf({ date: "Fri, 20 Nov 2026 10:00:00 GMT" })).toEqual({
    sentAt: ours,
    receivedAt: new Date("2026-11-20T10:00:00Z"),
  });
});

test.each([
  [{}],
  [{ date: "" }],
  [{ date: "0" }],
  [{ date: "yesterday" }],
  [{ date: "2026" }],
  [{ date: "Fri, 20 Nov 2026 10:00:00 GMT, Fri, 20 Nov 2026 10:00:00 GMT" }],
  [{ date: "Fri, 99 Nov 2026 10:00:00 GMT" }],
])("without a Date that can be read (%j) ours stands in", async (headers: Readonly<Record<string, string>>) => {
  expect((await timesOf(headers)).receivedAt).toEqual(new Date(ours.getTime() + 3_000));
});
