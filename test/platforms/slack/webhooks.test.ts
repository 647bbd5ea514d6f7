import { describe, expect, test } from "vitest";
import { slackDelivery } from "../../../rig/signed-deliveries.ts";
import { createSlackWebhooks } from "../../../src/platforms/slack/webhooks.ts";
import { Secret } from "../../../src/secret.ts";
import { deliveryRequest, flipped } from "../support/delivery-request.ts";

const webhooks = createSlackWebhooks({ signingSecrets: [new Secret("new secret"), new Secret("old secret")] });
const now = new Date("2026-03-01T12:00:00.400Z");
const refused = (code: string) => ({ kind: "refused", code });
const payload = {
  type: "event_callback",
  team_id: "T1",
  event_id: "Ev1",
  event_time: 1_772_366_000,
  event: { type: "x" },
};
const seconds = (by: number) => new Date(now.getTime() + by * 1000);

describe("what Slack signed", () => {
  test("is what Slack's documentation signs", () => {
    const documented = createSlackWebhooks({ signingSecrets: [new Secret("8f742231b10e8888abcd99yyyzzz85a5")] });
    const headers = {
      "x-slack-request-timestamp": "1531420618",
      "x-slack-signature": "v0=a2114d57b48eac39b9ad189dd8316235a7b4a8d21a10bd27519666489c69b503",
    };
    const body =
      "token=xyzz0WbapA4vBCDEFasx0q6G&team_id=T1DC2JH3J&team_domain=testteamnow&channel_id=G8PSS9T3V&channel_name=foobar&user_id=U2CERLKJA&user_name=roadrunner&command=%2Fwebhook-collect&text=&response_url=https%3A%2F%2Fhooks.slack.com%2Fcommands%2FT1DC2JH3J%2F397700885554%2F96rGlfmibIGlgcZRskXaIFfN&trigger_id=398738663015.47445629121.803a0bc887a14d10d2c447fce8b6703c";
    const request = deliveryRequest({ headers, body }, new Date(1_531_420_618_000));
    expect(documented.verify(request)).toEqual({ kind: "genuine" });
    // A command is genuine, and no event.
    expect(documented.read(request)).toEqual({ kind: "ignored", code: "not_an_object" });
  });

  test.each(["new secret", "old secret"])("is believed under the %s, five minutes to either side", (secret) => {
    for (const by of [-299, -1, 0, 1, 299]) {
      expect(webhooks.verify(deliveryRequest(slackDelivery(secret, payload, seconds(by)), now)).kind).toBe("genuine");
    }
    for (const by of [-302, -86_400, 302, 86_400]) {
      expect(webhooks.verify(deliveryRequest(slackDelivery(secret, payload, seconds(by)), now))).toEqual(
        refused("stale"),
      );
    }
  });

  test("is not what one bit of the body, or a second, makes of it", () => {
    const delivery = slackDelivery("new secret", payload, now);
    for (let bit = 0; bit < Buffer.byteLength(delivery.body) * 8; bit++) {
      const request = deliveryRequest({ ...delivery, body: flipped(delivery.body, bit) }, now);
      expect(webhooks.verify(request)).toEqual(refused("bad_signature"));
    }
    const timestamp = String(Number(delivery.headers["x-slack-request-timestamp"]) + 1);
    const headers = { ...delivery.headers, "x-slack-request-timestamp": timestamp };
    expect(webhooks.verify(deliveryRequest({ ...delivery, headers }, now))).toEqual(refused("bad_signature"));
  });

  test.each(["", "NaN", "1e3", "-1", "0x10", " 1", "abc", "1531420618.5"])(
    "is refused with the timestamp %j",
    (text) => {
      const delivery = slackDelivery("new secret", payload, now);
      const headers = { ...delivery.headers, "x-slack-request-timestamp": text };
      expect(webhooks.verify(deliveryRequest({ ...delivery, headers }, now))).toEqual(refused("no_timestamp"));
    },
  );

  test("is refused without its headers, and where no secret is set", () => {
    const { body, headers } = slackDelivery("", payload, now);
    const { "x-slack-signature": _, ...unsigned } = headers;
    expect(webhooks.verify(deliveryRequest({ body, headers: unsigned }, now))).toEqual(refused("no_signature"));
    const open = createSlackWebhooks({ signingSecrets: [] });
    expect(open.verify(deliveryRequest({ body, headers }, now))).toEqual(refused("bad_signature"));
  });
});

describe("what is read of a delivery", () => {
  const read = (body: object) => webhooks.read(deliveryRequest(slackDelivery("new secret", body, now), now));
  const event = (inner: object, envelope: object = {}) => read({ ...payload, ...envelope, event: inner });

  test("is whose it is, when it was, and what it means", () => {
    expect(event({ type: "app_uninstalled" })).toEqual({
      kind: "event",
      event: {
        ...{ deliveryId: "Ev1", event: "app_uninstalled", action: undefined, about: { externalOrgId: "T1" } },
        news: { kind: "ended" },
        happenedAt: new Date(1_772_366_000_000),
      },
    });
    expect(event({ type: "message", text: "hi" })).toMatchObject({ event: { event: "message", news: undefined } });
    expect(event({ type: "team_rename", name: "Acme" })).toMatchObject({ event: { news: { kind: "changed" } } });
  });

  test("tells apart whose tokens were revoked", () => {
    const grants = (tokens: object) => event({ type: "tokens_revoked", tokens });
    expect(grants({ oauth: ["U1", "U2"], bot: ["UB"] })).toMatchObject({
      event: {
        news: {
          kind: "grants_ended",
          grants: [
            { actor: "user", externalUserId: "U1" },
            { actor: "user", externalUserId: "U2" },
            { actor: "app", externalUserId: undefined },
          ],
        },
      },
    });
    expect(grants({ bot: ["UB"] })).toMatchObject({ event: { news: { grants: [{ actor: "app" }] } } });
  });

  test("belongs to the enterprise where that installed the app", () => {
    const authorization = { enterprise_id: "E1", team_id: "T1", is_enterprise_install: true };
    const about = (envelope: object) => event({ type: "x" }, envelope);
    expect(about({ authorizations: [authorization] })).toMatchObject({ event: { about: { externalOrgId: "E1" } } });
    expect(about({ team_id: null, enterprise_id: "E1" })).toMatchObject({ event: { about: { externalOrgId: "E1" } } });
    expect(about({ enterprise_id: "E1", authorizations: [{ team_id: "T1" }] })).toMatchObject({
      event: { about: { externalOrgId: "T1" } },
    });
    // `tokens_revoked` does not say which of both it was installed for.
    expect(about({ enterprise_id: "E1" })).toMatchObject({
      event: { about: { externalOrgId: "T1", orExternalOrgId: "E1" } },
    });
  });

  test("of a channel that several share belongs to whose app hears it", () => {
    const about = (envelope: object) => event({ type: "message" }, { team_id: "T-other", ...envelope });
    const own = { event: { about: { externalOrgId: "T-own" } } };
    expect(about({ authorizations: [{ team_id: "T-own", is_enterprise_install: false }] })).toMatchObject(own);
    expect(about({ context_team_id: "T-own", context_enterprise_id: null })).toMatchObject(own);
  });

  test("is the challenge, an event without an id, or nothing", () => {
    expect(read({ type: "url_verification", challenge: "abc" })).toEqual({ kind: "challenge", answer: "abc" });
    expect(read({ type: "app_rate_limited", team_id: "T1", minute_rate_limited: 1 })).toMatchObject({
      event: { event: "app_rate_limited", deliveryId: expect.stringMatching(/^[\da-f]{64}$/) },
    });
    expect(read({ type: "event_callback", event: {} })).toEqual({ kind: "ignored", code: "no_event" });
    expect(read({})).toEqual({ kind: "ignored", code: "no_event" });
    expect(read({ type: "url_verification" })).toEqual({ kind: "ignored", code: "no_challenge" });
  });
});
