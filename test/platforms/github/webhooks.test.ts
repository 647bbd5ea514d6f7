import { sign } from "@octokit/webhooks-methods";
import { describe, expect, test } from "vitest";
import { githubDelivery } from "../../../rig/signed-deliveries.ts";
import { createGithubWebhooks } from "../../../src/platforms/github/webhooks.ts";
import { Secret } from "../../../src/secret.ts";
import { deliveryRequest, flipped } from "../support/delivery-request.ts";

const webhooks = createGithubWebhooks({
  webhookSecrets: [new Secret("new secret"), new Secret("old secret")],
  webhookMaxBytes: 26_214_400,
});
const verify = (delivery: { headers: Readonly<Record<string, string>>; body: string | Buffer }) =>
  webhooks.verify(deliveryRequest(delivery));
const refused = (code: string) => ({ kind: "refused", code });
const payload = { action: "opened", installation: { id: 7 }, issue: { title: "naïve \u001b ☃" } };

describe("what GitHub signed", () => {
  test.each(["new secret", "old secret"])("is believed under the %s", async (secret) => {
    const delivery = githubDelivery(secret, "issues", payload);
    expect(verify(delivery)).toEqual({ kind: "genuine" });
    // Octokit's own signature is the same.
    expect(delivery.headers["x-hub-signature-256"]).toBe(await sign(secret, delivery.body));
  });

  test("is what GitHub's documentation signs", () => {
    const documented = createGithubWebhooks({
      webhookSecrets: [new Secret("It's a Secret to Everybody")],
      webhookMaxBytes: 1024,
    });
    const headers = {
      "x-hub-signature-256": "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17",
      "x-github-event": "ping",
      "x-github-delivery": "1",
    };
    expect(documented.verify(deliveryRequest({ headers, body: "Hello, World!" }))).toEqual({ kind: "genuine" });
  });

  test("is not what one bit of body or signature makes of it", () => {
    const delivery = githubDelivery("new secret", "issues", payload);
    const bits = Buffer.byteLength(delivery.body) * 8;
    for (let bit = 0; bit < bits; bit++) {
      expect(verify({ ...delivery, body: flipped(delivery.body, bit) })).toEqual(refused("bad_signature"));
    }
    const signature = delivery.headers["x-hub-signature-256"] ?? "";
    for (let bit = 0; bit < signature.length * 8; bit++) {
      const headers = { ...delivery.headers, "x-hub-signature-256": flipped(signature, bit).toString("latin1") };
      expect(verify({ ...delivery, headers }).kind).toBe("refused");
    }
  });

  test("is not the same JSON in other bytes", () => {
    const delivery = githubDelivery("new secret", "issues", payload);
    const spaced = JSON.stringify(JSON.parse(delivery.body), undefined, 1);
    const escaped = delivery.body.replace("ï", "\\u00ef");
    for (const body of [spaced, escaped, `${delivery.body}\n`]) {
      expect(verify({ ...delivery, body })).toEqual(refused("bad_signature"));
    }
  });

  test.each([
    ["no signature", { "x-hub-signature-256": undefined }, "no_signature"],
    ["only the older header", { "x-hub-signature-256": undefined, "x-hub-signature": "sha1=00" }, "no_signature"],
    ["an empty signature", { "x-hub-signature-256": "" }, "bad_signature"],
    ["half a signature", { "x-hub-signature-256": `sha256=${"0".repeat(32)}` }, "bad_signature"],
    ["another secret's", { "x-hub-signature-256": `sha256=${"0".repeat(64)}` }, "bad_signature"],
    ["no id", { "x-github-delivery": undefined }, "no_delivery_id"],
    ["an endless id", { "x-github-delivery": "a".repeat(201) }, "no_delivery_id"],
    ["an id of blanks", { "x-github-delivery": " " }, "no_delivery_id"],
    ["no event", { "x-github-event": undefined }, "no_event"],
  ])("is refused with %s", (_what, changes, code) => {
    const delivery = githubDelivery("new secret", "issues", payload);
    const headers = Object.fromEntries(
      Object.entries({ ...delivery.headers, ...changes }).filter(([, value]) => value !== undefined),
    ) as Record<string, string>;
    expect(verify({ ...delivery, headers })).toEqual(refused(code));
  });

  test("is nothing where no secret is set: the empty one does not count", () => {
    const open = createGithubWebhooks({ webhookSecrets: [], webhookMaxBytes: 1024 });
    expect(open.verify(deliveryRequest(githubDelivery("", "issues", payload)))).toEqual(refused("bad_signature"));
  });
});

describe("what is read of a delivery", () => {
  const read = (event: string, body: object) =>
    webhooks.read(deliveryRequest(githubDelivery("new secret", event, body, "d-1")));

  test("is whose it is and what it means", () => {
    const installation = { id: 7, account: { id: 42 }, suspended_at: "2026-01-02T03:04:05Z" };
    expect(read("installation", { action: "suspend", installation })).toMatchObject({
      kind: "event",
      event: {
        ...{ deliveryId: "d-1", event: "installation", action: "suspend", news: { kind: "suspended" } },
        about: { externalInstallId: "7", externalOrgId: "42" },
        happenedAt: new Date("2026-01-02T03:04:05Z"),
      },
    });
    expect(read("issues", payload)).toMatchObject({ event: { about: { externalInstallId: "7" }, news: undefined } });
    expect(read("github_app_authorization", { action: "revoked", sender: { id: 9 } })).toMatchObject({
      event: { about: {}, news: { kind: "grants_ended", grants: [{ actor: "user", externalUserId: "9" }] } },
    });
  });

  test("is the JSON in a form, too", () => {
    const form = new URLSearchParams({ payload: JSON.stringify(payload) }).toString();
    const headers = {
      "content-type": "application/x-www-form-urlencoded",
      "x-github-event": "issues",
      "x-github-delivery": "d-2",
    };
    const found = webhooks.read(deliveryRequest({ headers, body: form }));
    expect(found).toMatchObject({ event: { action: "opened" }, payload: JSON.stringify(payload) });
  });

  test.each(["", "[]", "null", "7", '"text"', "{", Buffer.from([0x7b, 0xff, 0x7d])])("is nothing in %j", (body) => {
    const { headers } = githubDelivery("new secret", "issues", {});
    expect(webhooks.read(deliveryRequest({ headers, body }))).toEqual({ kind: "ignored", code: "not_an_object" });
  });
});
