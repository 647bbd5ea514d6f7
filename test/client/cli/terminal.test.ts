import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { type LinkService, startLinkService } from "./link-service.ts";
import { atTerminal } from "./pseudo-terminal.ts";

let service: LinkService;
let home: string;
beforeEach(async () => {
  service = await startLinkService();
  home = mkdtempSync(join(tmpdir(), "oauth-token-terminal-"));
});
afterEach(async () => {
  rmSync(home, { recursive: true, force: true });
  await service.close();
});

const login = (env: Readonly<Record<string, string>> = {}) =>
  atTerminal(["login", "--platform", "jira", "--no-browser"], {
    HOME: home,
    OAUTH_TOKEN_SERVICE_URL: service.url,
    ...env,
  });

test("at a terminal the code stands out, the time that is left is shown, and Ctrl-C ends it at once", async () => {
  service.poll = () => ({ status: 202, body: { status: "pending" } });
  const terminal = login();
  await terminal.shows("left (Ctrl-C stops)");
  expect(terminal.output()).toContain("\u001b[1m123 4567 8901\u001b[22m");
  terminal.type("\u0003");
  expect(await terminal.ended).toEqual({ exitCode: 130, signal: 0 });
  expect(readdirSync(join(home, ".config/oauth-token/accounts"))).toEqual([]);
});

test("NO_COLOR is kept to, and the end leaves nothing of the progress on the line", async () => {
  const terminal = login({ NO_COLOR: "1" });
  expect(await terminal.ended).toEqual({ exitCode: 0, signal: 0 });
  expect(terminal.output()).not.toContain("\u001b[1m");
  const cleared = terminal.output().split("\r\u001b[K").at(-1);
  expect(cleared).toMatch(/^Signed in to jira: acme\./);
});

test("Ctrl-C ends what waits for input", async () => {
  const terminal = atTerminal(["git-credential", "get"], { HOME: home });
  await terminal.shows("Reading what is typed here");
  terminal.type("\u0003");
  expect(await terminal.ended).toEqual({ exitCode: 130, signal: 0 });
});
