import { createHash } from "node:crypto";
import { describe, expect, test } from "vitest";
import { sentryDelivery } from "../../../rig/signed-deliveries.ts";
import { createSentryWebhooks } from "../../../src/platforms/sentry/webhooks.ts";
import { Secret } from "../../../src/secret.ts";
import { deliveryRequest, flipped } from "../support/delivery-request.ts";
import { uuid } from "./support.ts";

const webhooks = createSentryWebhooks({ signingSecrets: [new Secret("new secret"), new Secret("old secret")] });
const refused = (code: string) => ({ kind: "refused", code });
const actor = { type: "user", id: 1, name: "Müller 🙂" };
const payload = { action: "deleted", installation: { uuid }, data: {}, actor };

describe("what Sentry signed", () => {
  test("is what is known to be signed right", () => {
    const known = createSentryWebhooks({ signingSecrets: [new Secret("sentry-client-secret")] });
    const body =
      '{"action":"deleted","installation":{"uuid":"a8e5d37a-696c-4c54-adb5-b3f28d64c7de"},"data":{},"actor":{"type":"user","id":1,"name":"M"}}';
    const headers = {
      "sentry-hook-signature": "2e80205ea3c0b0278846784df1364915dfcc5a2c90f751cb9e03cbd0fac7f268",
      "sentry-hook-resource": "installation",
      "request-id": "r1",
    };
    const request = deliveryRequest({ headers, body });
    expect(known.verify(request)).toEqual({ kind: "genuine" });
    expect(known.read(request)).toMatchObject({
      event: { event: "installation", action: "deleted", about: { externalInstallId: uuid }, news: { kind: "ended" } },
    });
  });

  test("is believed under both secrets while one is rotated, whatever its time says", () => {
    for (const secret of ["new secret", "old secret"]) {
      const delivery = sentryDelivery(secret, "installation", payload);
      expect(webhooks.verify(deliveryRequest(delivery)).kind).toBe("genuine");
      const headers = { ...delivery.headers, "sentry-hook-timestamp": "1" };
      expect(webhooks.verify(deliveryRequest({ ...delivery, headers })).kind).toBe("genuine");
    }
  });

  test("is not what one bit of the body makes of it, nor the same JSON in other bytes", () => {
    const delivery = sentryDelivery("new secret", "installation", payload);
    for (let bit = 0; bit < Buffer.byteLength(delivery.body) * 8; bit++) {
      const request = deliveryRequest({ ...delivery, body: flipped(delivery.body, bit) });
      expect(webhooks.verify(request)).toEqual(refused("bad_signature"));
    }
    const ascii = delivery.body.replace("ü", "\\u00fc");
    for (const body of [ascii, JSON.stringify(payload, null, 1), `${delivery.body}\n`, ""]) {
      expect(webhooks.verify(deliveryRequest({ ...delivery, body }))).toEqual(refused("bad_signature"));
    }
  });

  test("is refused without a signature, with another secret's, and with what is none", () => {
    const { body, headers } = sentryDelivery("new secret", "installation", payload);
    const { "sentry-hook-signature": own = "", ...unsigned } = headers;
    expect(webhooks.verify(deliveryRequest({ headers: unsigned, body }))).toEqual(refused("no_signature"));
    const others = sentryDelivery("another secret", "installation", payload).headers["sentry-hook-signature"];
    const wrong = [others, "", own.slice(1), `${own}0`, own.toUpperCase(), `sha256=${own}`, " ", "é".repeat(32)];
    for (const signature of wrong) {
      const request = deliveryRequest({ headers: { ...unsigned, "sentry-hook-signature": signature ?? "" }, body });
      expect(webhooks.verify(request), signature).toEqual(refused("bad_signature"));
    }
    const nobody = createSentryWebhooks({ signingSecrets: [] });
    expect(nobody.verify(deliveryRequest({ headers, body }))).toEqual(refused("bad_signature"));
  });
});

describe("what it tells", () => {
  const read = (resource: string, body: object, id = "r1") =>
    webhooks.read(deliveryRequest(sentryDelivery("new secret", resource, body, id)));
  const newsOf = (resource: string, body: object) => {
    const found = read(resource, body);
    return found.kind === "event" ? found.event.news : found.kind;
  };
  const installation = { installation: { uuid, status: "pending", code: "one-time", organization: { slug: "acme" } } };

  test("is the end of an installation, or that one was made, which proves nothing", () => {
    expect(newsOf("installation", payload)).toEqual({ kind: "ended" });
    expect(newsOf("installation", { ...payload, data: installation })).toEqual({ kind: "ended" });
    expect(newsOf("installation", { ...payload, action: "created", data: installation })).toEqual({ kind: "created" });
    expect(newsOf("installation", { ...payload, action: "paused" })).toBeUndefined();
  });

  test("is nobody's end under a header that somebody changed: a comment was deleted, and no installation", () => {
    const comment = { action: "deleted", installation: { uuid }, data: { comment: "x", issue_id: 1 } };
    expect(newsOf("installation", comment)).toBeUndefined();
    expect(newsOf("comment", payload)).toBeUndefined();
    expect(newsOf("issue", { ...payload, data: { issue: {} } })).toBeUndefined();
  });

  test("is known again by its id and its bytes", () => {
    const idOf = (...of: Parameters<typeof read>) => {
      const found = read(...of);
      return found.kind === "event" ? found.event.deliveryId : found.kind;
    };
    const hash = createHash("sha256").update(JSON.stringify(payload)).digest("hex");
    expect(idOf("installation", payload)).toBe(`r1:${hash}`);
    expect(idOf("installation", payload)).toBe(idOf("installation", payload));
    expect(idOf("installation", payload, "r2")).not.toBe(idOf("installation", payload));
    expect(idOf("installation", { ...payload, actor: {} })).not.toBe(idOf("installation", payload));
    expect(idOf("installation", payload, " ")).toBe(hash);
  });

  test.each(["[]", "null", "1", "", "{", '"x"', '{"installation":[],"data":"x","action":{}}', '{"data":null}'])(
    "is nothing to fail at: %s",
    (body) => {
      const headers = { "sentry-hook-resource": "installation" };
      expect(() => webhooks.read(deliveryRequest({ headers, body }))).not.toThrow();
    },
  );

  test("without a resource is of no use", () => {
    expect(webhooks.read(deliveryRequest({ headers: {}, body: "{}" }))).toEqual({ kind: "ignored", code: "no_event" });
  });
});
