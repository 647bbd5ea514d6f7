import { connect } from "node:net";
import { describe, expect, test } from "vitest";
import { createGate } from "../../../rig/gate.ts";
import type { DeliveryRequest } from "../../../src/domain/model/platform-webhooks.ts";
import { ServiceError } from "../../../src/errors.ts";
import { createPlatforms } from "../../../src/platforms/platforms.ts";
import type { PublicAppOptions } from "../../../src/web/browser/public-app.ts";
import { scriptedPlatform } from "../../support/scripted-platform.ts";
import { askRaw } from "../support/http.ts";
import { startSite } from "../support/site.ts";

const maxBytes = 200_000;
const webhooks = {
  maxBytes,
  verify: () => ({ kind: "genuine" }) as const,
  read: () => ({ kind: "ignored", code: "test" }) as const,
};
const platforms = createPlatforms([{ ...scriptedPlatform(), webhooks }, scriptedPlatform({ name: "jira" })], []);

async function start(receive: PublicAppOptions["receiveDelivery"] = async () => ({ kind: "accepted" })) {
  const requests: DeliveryRequest[] = [];
  const receiveDelivery: PublicAppOptions["receiveDelivery"] = (platform, request) => {
    requests.push(request);
    return receive(platform, request);
  };
  const site = await startSite({ platforms, receiveDelivery });
  const post = (body: string, headers: Record<string, string> = {}, path = "/webhooks/slack") =>
    site.ask(path, { method: "POST", headers, body });
  return { site, requests, post };
}

describe("POST /webhooks/{platform}", () => {
  test("hands on the body as it came, to the byte, and the headers", async () => {
    const { requests, post } = await start();
    const body = '{ "a":\t"\\u00fc ü" , "b": 1.0 }\r\n';
    const answer = await post(body, { "X-Test": "one", connection: "keep-alive", "content-type": "application/json" });
    expect([answer.status, answer.text, answer.headers.connection]).toEqual([200, '{"status":"ok"}', "keep-alive"]);
    expect(requests[0]?.body.toString("utf8")).toBe(body);
    expect([requests[0]?.header("x-test"), requests[0]?.header("X-TEST"), requests[0]?.header("none")]).toEqual([
      "one",
      "one",
      undefined,
    ]);
  });

  test("takes a header that comes twice for none", async () => {
    const { site, requests } = await start();
    const lines = ["POST /webhooks/slack HTTP/1.1", `Host: ${site.baseUrl.host}`, "Connection: close"];
    await askRaw(
      site.port,
      [...lines, "Authorization: a", "Authorization: b", "Content-Length: 0", "", ""].join("\r\n"),
    );
    expect(requests[0]?.header("authorization")).toBeUndefined();
  });

  test("answers what came of it", async () => {
    const refused = await start(async () => ({ kind: "refused", code: "bad_signature" }));
    const no = await refused.post("{}");
    expect([no.status, JSON.parse(no.text)]).toEqual([401, { success: false, error: { code: "bad_signature" } }]);
    const challenged = await start(async () => ({ kind: "challenge", answer: "<b>abc</b>" }));
    const yes = await challenged.post("{}");
    expect([yes.status, yes.text, yes.headers["content-type"]]).toEqual([
      200,
      "<b>abc</b>",
      "text/plain; charset=utf-8",
    ]);
    const away = await start(async () => {
      throw new ServiceError("SERVICE_UNAVAILABLE", "the database is away");
    });
    const later = await away.post("{}");
    expect([later.status, later.headers["retry-after"]]).toEqual([503, "5"]);
    expect(refused.site.world.lines.join()).toContain('"failure":"bad_signature"');
  });

  test("has no platform that tells nothing, and takes nothing but POST", async () => {
    const { site, post } = await start();
    for (const name of ["jira", "confluence", "constructor", "%00"]) {
      expect((await post("{}", {}, `/webhooks/${name}`)).status).toBe(404);
    }
    for (const method of ["GET", "HEAD", "PUT"]) {
      const answer = await site.ask("/webhooks/slack", { method });
      expect([answer.status, answer.headers.allow]).toEqual([405, "POST"]);
    }
  });

  test("is below the path of the base URL, too", async () => {
    const site = await startSite({ platforms, baseUrl: new URL("http://localhost/oauth-service/") });
    for (const path of ["/oauth-service/webhooks/slack", "/webhooks/slack"]) {
      expect((await site.ask(path, { method: "POST", body: "{}" })).status).toBe(200);
    }
  });

  test("reads as much as the platform's limit, announced or not", async () => {
    const { site, requests, post } = await start();
    expect((await post("a".repeat(maxBytes))).status).toBe(200);
    const announced = await post("a".repeat(maxBytes + 1));
    expect([announced.status, announced.headers.connection]).toEqual([413, "close"]);
    const chunk = `${(maxBytes + 1).toString(16)}\r\n${"a".repeat(maxBytes + 1)}\r\n`;
    const head = `POST /webhooks/slack HTTP/1.1\r\nHost: ${site.baseUrl.host}\r\nTransfer-Encoding: chunked\r\n\r\n`;
    expect(await firstLine(site.port, head + chunk)).toBe("HTTP/1.1 413 Payload Too Large");
    expect(requests).toHaveLength(1);
  });

  test("holds so many bytes in all, and has room again as soon as they are kept", async () => {
    const gate = createGate();
    const { requests, post } = await start(async () => {
      await gate.opened;
      return { kind: "accepted" };
    });
    const body = "a".repeat(maxBytes);
    const most = Math.floor((64 * 1024 * 1024) / maxBytes);
    const first = Array.from({ length: most }, () => post(body));
    await Promise.race([Promise.all(first), until(() => requests.length === most)]);
    const busy = await post(body);
    expect([busy.status, busy.headers["retry-after"], JSON.parse(busy.text).error.code]).toEqual([503, "5", "busy"]);
    gate.open();
    expect(new Set((await Promise.all(first)).map(({ status }) => status))).toEqual(new Set([200]));
    expect((await post(body)).status).toBe(200);
  });
});

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((next) => setImmediate(next));
}

/** Of the answer to bytes that are not a whole request. */
function firstLine(port: number, bytes: string): Promise<string> {
  return new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1", () => socket.write(bytes, "latin1"));
    socket.once("data", (data) => {
      resolve(data.toString("latin1").split("\r\n")[0] ?? "");
      socket.destroy();
    });
    socket.once("error", () => undefined);
  });
}
