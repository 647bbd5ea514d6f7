import { describe, expect, test } from "vitest";
import { loadConfig } from "../../src/config/load-config.ts";

const noFiles = () => {
  throw new Error("no file");
};
const load = (env: Record<string, string>) => loadConfig(env, noFiles).config;
const errorOf = (env: Record<string, string>) => {
  try {
    load(env);
    return "";
  } catch (error) {
    return error instanceof Error ? error.message : "";
  }
};
const url = "https://gateway.internal/events?tenant=1";
const secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

describe("where events and alerts go", () => {
  test("is an address with one or two secrets, also in a private network", () => {
    const { forwarding, ownHosts } = load({ WEBHOOK_FORWARD_URL: url, WEBHOOK_FORWARD_SECRET: `${secret}, raw text` });
    expect(forwarding?.url.href).toBe(url);
    expect(forwarding?.secrets.map((one) => one.reveal())).toEqual([secret, "raw text"]);
    expect([...ownHosts]).toContain("gateway.internal");
    expect(load({}).forwarding).toBeUndefined();
    const loopback = { WEBHOOK_FORWARD_URL: "http://127.0.0.1:1/", WEBHOOK_FORWARD_SECRET: "x" };
    expect([...load(loopback).ownHosts]).toContain("127.0.0.1");
  });

  test("of alerts are settings of their own", () => {
    const { alerting, forwarding, ownHosts } = load({ ALERT_WEBHOOK_URL: url, ALERT_WEBHOOK_SECRET: `a, ${secret}` });
    expect([alerting?.url.href, alerting?.secrets.length, forwarding]).toEqual([url, 2, undefined]);
    expect([...ownHosts]).toContain("gateway.internal");
    expect(load({}).alerting).toBeUndefined();
  });

  test.each([
    [{ ALERT_WEBHOOK_URL: url }, "ALERT_WEBHOOK_SECRET: is missing"],
    [{ ALERT_WEBHOOK_URL: "http://alerts.internal", ALERT_WEBHOOK_SECRET: "x" }, "ALERT_WEBHOOK_URL: http:// is for"],
    [{ WEBHOOK_FORWARD_URL: url }, "WEBHOOK_FORWARD_SECRET: is missing"],
    [{ WEBHOOK_FORWARD_SECRET: secret }, "WEBHOOK_FORWARD_URL: is missing"],
    [{ WEBHOOK_FORWARD_URL: url, WEBHOOK_FORWARD_SECRET: "a,b,c" }, "has 3 values"],
    [{ WEBHOOK_FORWARD_URL: url, WEBHOOK_FORWARD_SECRET: "whsec_!" }, "not in base64"],
    [{ WEBHOOK_FORWARD_URL: url, WEBHOOK_FORWARD_SECRET: "," }, "has no value"],
    [{ WEBHOOK_FORWARD_URL: "http://gateway.internal/", WEBHOOK_FORWARD_SECRET: "x" }, "http:// is for loopback only"],
    [{ WEBHOOK_FORWARD_URL: "https://u:p@gateway.internal/", WEBHOOK_FORWARD_SECRET: "x" }, "a user or password"],
    [{ WEBHOOK_FORWARD_URL: "gateway.internal", WEBHOOK_FORWARD_SECRET: "x" }, "not an address with https://"],
  ])("is refused as %j", (env, problem) => {
    const message = errorOf(env);
    expect(message).toContain(problem);
    expect(message).not.toContain("u:p");
  });
});
