import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, expect, test } from "vitest";
import { quickly } from "../../../rig/quick-node.ts";
import { accountSecret, type LinkService, payload, startLinkService } from "./link-service.ts";
import { createPerson, type Person } from "./person.ts";

let service: LinkService;
let person: Person;
let input = "";
beforeEach(async () => {
  service = await startLinkService();
  person = createPerson({ readInput: async () => input });
});
afterEach(async () => {
  person.end();
  await service.close();
});

/** Signs in to an account of this API; gives how often its service was asked for tokens since. */
async function signIn(api: string, name = "default", organization = "acme"): Promise<() => number> {
  const installations = [{ external_org_name: organization }];
  const body = { ...payload, installations, api_base_url: api };
  service.poll = () => ({ status: 200, body: { ...body, account_secret: `${accountSecret}-${name}` } });
  await person.run("login", "--platform", "github", "--service", service.url, "--name", name);
  const before = service.asked.length;
  return () => service.asked.length - before;
}

function ask(operation: string, attributes: Readonly<Record<string, string>>) {
  input = Object.entries(attributes)
    .map(([name, value]) => `${name}=${value}\n`)
    .join("");
  return person.run("git-credential", operation);
}

test.each([
  ["https://api.github.com", { protocol: "https", host: "github.com" }],
  ["https://api.github.com", { protocol: "https", host: "GitHub.com:443", username: "x-access-token" }],
  ["https://api.github.com", { protocol: "https", host: "gist.github.com" }],
  ["https://api.tenant.ghe.com", { protocol: "https", host: "tenant.ghe.com" }],
  ["https://ghe.example/api/v3", { protocol: "https", host: "ghe.example" }],
  ["http://127.0.0.1:4001/api", { protocol: "http", host: "127.0.0.1:4001" }],
])("an account of %s answers for %j", async (api, attributes) => {
  await signIn(api);
  const { code, out, err } = await ask("get", {
    ...attributes,
    "capability[]": "authtype",
    "wwwauth[]": "Basic realm=x",
  });
  expect([code, err]).toEqual([0, ""]);
  expect(out).toBe("username=x-access-token\npassword=token-1\npassword_expiry_utc=1893456000\n");
});

test.each([
  { protocol: "https", host: "evil.example" },
  { protocol: "https", host: "github.com.evil.example" },
  { protocol: "https", host: "notgithub.com" },
  { protocol: "https", host: "gist.evil.example" },
  { protocol: "https", host: "api.github.com" },
  { protocol: "https", host: "github.com:8443" },
  { protocol: "https", host: "github.com\r" },
  { protocol: "https\r", host: "github.com" },
  { protocol: "https", host: "github.com\0.evil.example" },
  { protocol: "https", host: "evil.example@github.com" },
  { protocol: "http", host: "github.com" },
  { protocol: "ftp", host: "github.com" },
  { protocol: "https", host: "github.com", username: "somebody" },
  { host: "github.com" },
  {},
])("nothing is answered, and nobody asked, for %j", async (attributes) => {
  const asked = await signIn("https://api.github.com");
  expect(await ask("get", attributes as Record<string, string>)).toEqual({ code: 0, out: "", err: "" });
  expect(await ask("erase", attributes as Record<string, string>)).toEqual({ code: 0, out: "", err: "" });
  expect(asked()).toBe(0);
});

test("a token that would say more to git is not told", async () => {
  await signIn("https://api.github.com");
  service.token = () => ({ status: 200, body: { ...payload, access_token: "one\nhost=evil.example" } });
  expect(await ask("get", { protocol: "https", host: "github.com" })).toMatchObject({ code: 1, out: "" });
});

test("what git says to store, or may say one day, is not for us", async () => {
  const asked = await signIn("https://api.github.com");
  for (const operation of ["store", "capability", "approve-later"]) {
    const said = await ask(operation, {
      protocol: "https",
      host: "github.com",
      username: "x-access-token",
      password: "p",
    });
    expect(said).toEqual({ code: 0, out: "", err: "" });
  }
  expect(asked()).toBe(0);
});

test("what git erases is replaced, if it is the token still", async () => {
  await signIn("https://api.github.com");
  const erased = { protocol: "https", host: "github.com", username: "x-access-token" };
  await ask("erase", { ...erased, password: "an-older-one" });
  expect(service.asked.at(-1)?.path).not.toContain("rejected_token_id");
  await ask("erase", { ...erased, password: payload.access_token });
  expect(service.asked.at(-1)?.path).toContain(`?rejected_token_id=${payload.token_id}`);
});

test("of several accounts the repository's owner decides, where git tells it", async () => {
  await signIn("https://api.github.com", "one", "acme");
  await signIn("https://api.github.com", "two", "globex");
  const from = () => service.asked.at(-1)?.headers.authorization;
  await ask("get", { protocol: "https", host: "github.com", path: "Globex/site.git" });
  expect(from()).toBe(`Bearer ${accountSecret}-two`);
  await ask("get", { protocol: "https", host: "github.com", path: "acme/site.git" });
  expect(from()).toBe(`Bearer ${accountSecret}-one`);
  const { code, out, err } = await ask("get", { protocol: "https", host: "github.com" });
  expect([code, out]).toEqual([2, ""]);
  expect(err).toContain("--name two");
});

test("git itself fills, approves and rejects", async () => {
  await signIn("https://api.github.com");
  const program = fileURLToPath(new URL("../../../client/src/cli/oauth-token.ts", import.meta.url));
  const helper = `!'${process.execPath}' ${quickly.join(" ")} '${program}' git-credential`;
  const git = (operation: string, text: string) =>
    new Promise<string>((resolve, reject) => {
      // What the machine has set up for git, and another helper, are none of this.
      const env = { PATH: process.env.PATH, HOME: person.home, GIT_CONFIG_NOSYSTEM: "1", GIT_TERMINAL_PROMPT: "0" };
      const args = ["-c", "credential.helper=", "-c", `credential.helper=${helper}`, "credential", operation];
      const child = execFile("git", args, { env }, (error, stdout) =>
        error === null ? resolve(stdout) : reject(error),
      );
      child.stdin?.end(text);
    });
  const asked = "protocol=https\nhost=github.com\n";
  const filled = await git("fill", `${asked}\n`);
  expect(filled).toContain(`${asked}username=x-access-token\npassword=token-1\n`);
  const before = service.asked.length;
  await git("approve", filled);
  expect(service.asked.length, "approving asks nobody").toBe(before);
  await git("reject", filled);
  expect(service.asked.at(-1)?.path).toContain("rejected_token_id=t1");
});
