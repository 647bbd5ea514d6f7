import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { createTestDirectory } from "../support/database.ts";
import type { Output } from "./canaries.ts";
import { runFlows, runShortFlows } from "./flows.ts";
import { startTarget } from "./target.ts";

/** What every run has to have met: without it the silence would prove nothing. */
const secrets = [
  "access token",
  "account secret",
  "app JWT or token",
  "browser binding",
  "client secret",
  "code",
  "encryption key",
  "flow name",
  "install link",
  "link code",
  "link proof",
  "PKCE verifier",
  "poll secret",
  "private key",
  "refresh token",
  "signing secret",
  "state",
  "webhook secret",
];
const reasons = [
  "INSTALLATION_NOT_FOUND",
  "INSTALLATION_REVOKED",
  "INSTALLATION_SUSPENDED",
  "INVALID_REQUEST",
  "PROVIDER_MISCONFIGURED",
  "PROVIDER_RATE_LIMITED",
  "PROVIDER_UNAVAILABLE",
  "REAUTHORIZATION_REQUIRED",
  "SCOPE_NOT_GRANTED",
  "SERVICE_UNAVAILABLE",
  "TOKEN_UNREADABLE",
];
const failures = [
  "approval_pending",
  "code_rejected",
  "denied",
  "internal_error",
  "malformed_callback",
  "provider_misconfigured",
  "provider_rate_limited",
  "provider_unavailable",
  "state_already_used",
  "state_expired",
  "state_missing",
  "state_other_browser",
  "state_other_platform",
  "state_unknown",
  "wrong_issuer",
];

describe.concurrent("no secret comes out of the service at trace level", { timeout: 600_000 }, () => {
  test.each([
    ["in this process", "rotating"],
    ["as a child", "long_lived"],
  ] as const)("that runs %s, with %s tokens, whatever happens to it", async (how, tokens) => {
    const target = await startTarget({ how, tokens });
    try {
      await runFlows(target);
      await target.stop();
      const { canaries, outputs } = target;
      const all = outputs.map(({ text }) => text).join("\n");
      expect(secrets.filter((name) => !(name in canaries.counts()))).toEqual([]);
      expect([...reasons, ...failures, "internal error"].filter((word) => !all.includes(word))).toEqual([]);
      expect(outputs.filter(({ where }) => where === "the log").length).toBeGreaterThan(500);
      expect(outputs.some(({ where, text }) => where === "a span" && text.includes("platform mint"))).toBe(true);
      if (target.crash !== undefined) expect(crashesIn(outputs)).toEqual(["http.unexpected", "rpc"]);
      expect(canaries.search(outputs)).toEqual([]);
    } finally {
      await target.close();
    }
  });

  test("into the files of an embedded database, of a service that was killed", async () => {
    const { directory, remove } = await createTestDirectory({ empty: true });
    const target = await startTarget({ how: "as a child", tokens: "rotating", dataDirectory: directory });
    try {
      await runShortFlows(target);
      await target.stop("SIGKILL");
      const { canaries, outputs } = target;
      canaries.add("encryption key", await readFile(join(directory, "encryption.key"), "utf8"));
      const files = await filesOf(directory);
      // The rows are there: a scope that was granted is.
      expect(files.some(({ text }) => text.includes("channels:read"))).toBe(true);
      expect(canaries.counts()).toMatchObject({
        "refresh token": expect.any(Number),
        "PKCE verifier": expect.any(Number),
      });
      expect(canaries.search([...outputs, ...files])).toEqual([]);
    } finally {
      await target.close();
      await remove();
    }
  });
});

/** The events of lines about the error that was thrown on purpose. */
function crashesIn(outputs: readonly Output[]): readonly string[] {
  const lines = outputs.filter(({ where, text }) => where === "the log" && text.includes("RangeError"));
  return [...new Set(lines.map(({ text }) => (JSON.parse(text) as { event: string }).event))].sort();
}

/** Every file below the folder but the key's own, byte for byte. */
async function filesOf(directory: string): Promise<readonly Output[]> {
  const entries = await readdir(directory, { recursive: true, withFileTypes: true });
  const paths = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
  return Promise.all(
    paths
      .filter((path) => !path.endsWith("encryption.key"))
      .map(async (path) => ({ where: path.slice(directory.length), text: await readFile(path, "latin1") })),
  );
}
