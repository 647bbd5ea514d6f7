import { spawnSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import { registry } from "../../src/platforms/registry.ts";

const text = (length: number) => randomBytes(length).toString("base64url").slice(0, length);
const plain = (length: number) => randomBytes(length).toString("hex").slice(0, length);
const jwt = () => `eyJhbGciOiJSUzI1NiJ9.eyJ${text(300)}.${text(180)}`;

const secrets: Record<string, string> = {
  "an installation token": `ghs_${plain(36)}`,
  "an installation token of 520 characters with dots, dashes and underscores": `ghs_424242_${jwt()}`,
  "an installation token that begins with a separator": `ghs__-.${text(40)}`,
  "a user token": `ghu_${plain(36)}`,
  "a refresh token": `ghr_${plain(76)}`,
  "an OAuth App token": `gho_${plain(36)}`,
  "a bot token": `xoxb-1234567890-1234567890123-${plain(24)}`,
  "a person's token": `xoxp-1234567890-${plain(32)}`,
  "a rotated bot token": `xoxe.xoxb-1-${plain(160)}`,
  "a rotated person's token": `xoxe.xoxp-1-${plain(160)}`,
  "a Slack refresh token": `xoxe-1-${plain(146)}`,
  "a caller's API key": `ots_${plain(8)}_${plain(43)}_${plain(6)}`,
  "a JWT": jwt(),
  "a sealed text": `gAAAAAB${text(120)}==`,
};

describe("a line that holds", () => {
  test.each(Object.entries(secrets))("%s is written without it", (_, secret) => {
    for (const line of [
      `{"event":"x","value":"${secret}"}`,
      `token=${secret}&next=1`,
      `authorization: Bearer ${secret}`,
      `https://x.example/?code=${secret}#a`,
      `(${secret})`,
      JSON.stringify({ text: `a line\n${secret}\tand more` }),
      JSON.stringify({ text: `\u0001${secret}` }),
      `redirect=%2Fa%3Ftoken%3D${secret}%26b`,
      secret,
    ]) {
      const redacted = registry.redact(line);
      expect(redacted).toContain("[redacted]");
      for (let at = 0; at + 12 <= secret.length; at++) expect(redacted).not.toContain(secret.slice(at, at + 12));
      expect(redacted).toBe(line.replace(secret, "[redacted]"));
    }
  });

  test("several secrets is written without any of them", () => {
    const all = Object.values(secrets);
    expect(registry.redact(all.join(" "))).toBe(all.map(() => "[redacted]").join(" "));
  });
});

test("a line without secrets is written as it is", () => {
  const line = JSON.stringify({
    level: "info",
    time: "2026-01-02T03:04:05.678Z",
    event: "install.finished",
    platform: "github-oauth",
    installation: "01a298b2-8ca4-7af8-837b-5092fc4a4bc2",
    fingerprint: plain(64),
    route: "/oauth/callback/:platform",
    note: "ghs_ is a prefix, xoxb-, ots_ and eyJ are too",
  });
  expect(registry.redact(line)).toBe(line);
});

test("the logger writes one JSON line an event on standard output, at the level that is set, redacted", () => {
  const logger = fileURLToPath(new URL("../../src/world/logger.ts", import.meta.url));
  const known = fileURLToPath(new URL("../../src/platforms/registry.ts", import.meta.url));
  const program = `
    const { createLogger } = await import(${JSON.stringify(logger)});
    const { registry } = await import(${JSON.stringify(known)});
    const log = createLogger("debug", registry.redact);
    log.trace({ a: 1 }, "not written");
    log.debug({ token: ${JSON.stringify(secrets["a user token"])} }, "one");
    log.error({ nested: { deep: [${JSON.stringify(secrets["a JWT"])}] } }, "two");`;
  const { stdout, stderr } = spawnSync(process.execPath, ["--input-type=module", "-e", program], { encoding: "utf8" });
  const lines = stdout
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line));
  expect(lines).toEqual([
    { level: "debug", time: expect.stringMatching(/^\d{4}-\d\d-\d\dT/), event: "one", token: "[redacted]" },
    { level: "error", time: expect.any(String), event: "two", nested: { deep: ["[redacted]"] } },
  ]);
  expect(stderr).toBe("");
});
