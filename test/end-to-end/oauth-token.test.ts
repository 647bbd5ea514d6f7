import { afterEach, beforeEach, expect, test } from "vitest";
import { createBrowser } from "../../rig/browser.ts";
import { createPerson, type Person } from "../client/cli/person.ts";
import type { Replica } from "../support/service.ts";
import { approve, type StartedCode } from "./support/link-codes.ts";
import { isAccepted } from "./support/platform-api.ts";
import { useService } from "./support/use-service.ts";

const shared = useService();
let person: Person;
let input = "";
beforeEach(async () => {
  await shared.sql`delete from rate_limits`;
  person = createPerson({
    env: { OAUTH_TOKEN_SERVICE_URL: replica().publicUrl },
    readInput: async () => input,
    // Whoever is asked approves at once.
    openBrowser(url) {
      opened = url;
    },
    async sleep(ms) {
      if (opened !== undefined)
        await approve(createBrowser(), replica(), { verification_url_complete: opened.href } as StartedCode);
      opened = undefined;
      shared.service.clock.advance(ms);
    },
  });
});
afterEach(() => person.end());
let opened: URL | undefined;

function replica(): Replica {
  const [first] = shared.service.replicas;
  if (first === undefined) throw new Error("there is no replica");
  return first;
}

async function token(
  ...more: string[]
): Promise<{ readonly access_token: string; readonly token_id: string; readonly api_base_url: string }> {
  const { code, out, err } = await person.run("--json", "token", ...more);
  expect(code, err).toBe(0);
  return JSON.parse(out);
}

test.each(["jira", "slack", "sentry"])("an account of %s, from its sign-in to its end", async (platform) => {
  expect(await person.run("login", "--platform", platform)).toMatchObject({ code: 0 });
  const first = await token("--platform", platform);
  expect(await isAccepted(platform, first)).toBe(true);
  expect((await person.run("status")).out).toContain(platform);
  expect(await person.run("logout", "--platform", platform)).toMatchObject({
    code: 0,
    out: `Signed out of ${platform}.\n`,
  });
  expect((await person.run("token", "--platform", platform)).code).toBe(3);
});

test("git is given a token that works, and another one when that is rejected", async () => {
  expect(await person.run("login", "--platform", "github")).toMatchObject({ code: 0 });
  const { host } = new URL((await token("--platform", "github")).api_base_url);
  const asked = `protocol=http\nhost=${host}\n`;
  input = asked;
  const { out } = await person.run("git-credential", "get");
  const password = /^password=(.+)$/m.exec(out)?.[1] ?? "";
  const expiry = Number(/^password_expiry_utc=(\d+)$/m.exec(out)?.[1]);
  expect(expiry * 1000).toBeGreaterThan(shared.service.clock.now().getTime());
  input = `${asked}username=x-access-token\npassword=${password}\n`;
  expect(await person.run("git-credential", "erase")).toEqual({ code: 0, out: "", err: "" });
  const next = await token("--platform", "github");
  expect(next.access_token).not.toBe(password);
  expect(await isAccepted("github", next)).toBe(true);
});

test("an account that was ended at its service is not connected", async () => {
  expect(await person.run("login", "--platform", "jira")).toMatchObject({ code: 0 });
  await shared.sql`delete from link_accounts`;
  expect((await person.run("token", "--platform", "jira")).code).toBe(3);
  expect(await person.run("logout", "--platform", "jira")).toMatchObject({ code: 0 });
});
