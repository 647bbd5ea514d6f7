import { createPrivateKey } from "node:crypto";
import { SignJWT } from "jose";
import { afterEach, expect, test } from "vitest";
import { createClock } from "../../rig/clock.ts";
import { type GithubOptions, type GithubSandbox, startGithub } from "../../sandbox/github/github.ts";
import { call, follow, get, postForm, press, sendJson, text, visit } from "./plain-client.ts";

let github: GithubSandbox;
const clock = createClock();

async function start(options: GithubOptions = {}) {
  github = await startGithub({ autoApprove: true, now: clock.now, ...options });
}
afterEach(() => github.close());

const installUrl = () => `${github.url}/apps/oauth-token-service/installations/new?state=s1`;

interface Claims {
  iss?: string;
  iat?: number;
  exp?: number;
}

function jwt(claims: Claims = {}, pem = github.privateKeyPem): Promise<string> {
  const now = Math.floor(clock.now().getTime() / 1000);
  return new SignJWT({ iss: github.app.clientId, iat: now - 60, exp: now + 540, ...claims })
    .setProtectedHeader({ alg: "RS256" })
    .sign(createPrivateKey(pem));
}

async function mint(installationId: string | number, body: unknown = {}, token?: string) {
  const authorization = `Bearer ${token ?? (await jwt())}`;
  return sendJson("POST", `${github.apiUrl}/app/installations/${installationId}/access_tokens`, body, {
    authorization,
  });
}

async function install(): Promise<string> {
  const id = (await follow(installUrl())).get("installation_id");
  if (id === null) throw new Error("nothing was installed");
  return id;
}

function exchange(fields: Record<string, string>) {
  return postForm(
    `${github.url}/login/oauth/access_token`,
    { client_id: github.app.clientId, client_secret: github.app.clientSecret, ...fields },
    { accept: "application/json" },
  );
}

test("an installation comes back with code, id, action, state and issuer, and the person can see it", async () => {
  await start({ otherInstallations: 205 });
  const callback = await follow(installUrl());
  expect(Object.fromEntries(callback)).toMatchObject({
    setup_action: "install",
    state: "s1",
    iss: "https://github.com/login/oauth",
  });
  const token = text(await exchange({ code: callback.get("code") ?? "" }), "access_token");
  expect(token).toMatch(/^ghu_/);
  const pages = await Promise.all(
    [1, 2, 3].map((page) => get(`${github.apiUrl}/user/installations?per_page=100&page=${page}`, token)),
  );
  const id = Number(callback.get("installation_id"));
  expect(pages.map(({ body }) => JSON.stringify(body).includes(`"id":${id},`))).toEqual([false, false, true]);
  expect(pages[0]?.headers.get("link")).toContain('rel="next"');
  expect(pages[0]?.body).toMatchObject({ total_count: 206 });
  const [strangers] = github.controls.installations();
  expect(JSON.stringify(pages)).not.toContain(`"id":${strangers?.id},`);
  expect(github.faults).toEqual([]);
});

test("a person is asked on a page, and declining the installation leads nowhere", async () => {
  await start({ autoApprove: false });
  const page = await visit(installUrl());
  expect(page.html).toContain('<button name="decision" value="deny">');
  expect(page.html).not.toContain("<script");
  expect((await press(github.url, page.html, "deny")).next).toBeUndefined();
  expect((await press(github.url, page.html, "approve")).status).toBe(410);
  const again = await visit(installUrl());
  expect((await press(github.url, again.html, "approve")).next?.searchParams.get("setup_action")).toBe("install");
});

test("a second installation is an update, a member only asks for one, and a Setup URL gets no code", async () => {
  await start({ app: { userAuthorizationDuringInstallation: false, setupUrl: "http://localhost:8010/setup" } });
  const id = await install();
  const update = await visit(installUrl());
  expect(update.next?.pathname).toBe("/setup");
  expect(Object.fromEntries(update.next?.searchParams ?? [])).toEqual({
    installation_id: id,
    setup_action: "update",
    state: "s1",
  });
  github.controls.signIn("hubot");
  expect(Object.fromEntries(await follow(installUrl()))).toEqual({ setup_action: "request", state: "s1" });
});

test("an installation token is long, has two dots, is narrowed as asked and works until it ends", async () => {
  await start();
  const id = await install();
  const wide = await mint(id);
  expect(wide.status).toBe(201);
  const token = text(wide, "token");
  expect(token.length).toBeGreaterThan(480);
  expect(token.split(".")).toHaveLength(3);
  const narrow = await mint(id, { repositories: ["api"], permissions: { contents: "read" } });
  expect(narrow.body).toMatchObject({
    permissions: { contents: "read", metadata: "read" },
    repository_selection: "selected",
    repositories: [{ id: 3001, name: "api" }],
  });
  const repositories = `${github.apiUrl}/installation/repositories`;
  expect((await get(repositories, text(narrow, "token"))).body).toMatchObject({ total_count: 1 });
  expect((await get(repositories, token)).body).toMatchObject({ total_count: 3 });
  clock.advance(3_600_000);
  expect((await get(repositories, token)).status).toBe(401);
  expect((await get(repositories, "ghs_made_up")).status).toBe(401);
});

test("a token for more than was granted is refused, and so is one for what does not exist", async () => {
  await start();
  const id = await install();
  const refusals = [
    await mint(id, { permissions: { contents: "admin" } }),
    await mint(id, { permissions: { secrets: "read" } }),
    await mint(id, { repositories: ["site"] }),
    await mint(id, { repository_ids: [3004] }),
    await mint(id, { repository_ids: Array.from({ length: 501 }, () => 3001) }),
  ];
  expect(refusals.map(({ status }) => status)).toEqual([422, 422, 422, 422, 422]);
  expect((await mint(1)).status).toBe(404);
});

test("only the app's own JWT is accepted, and only while its times are right", async () => {
  await start();
  const id = await install();
  const now = Math.floor(clock.now().getTime() / 1000);
  const bad = [
    await jwt({ exp: now + 700 }),
    await jwt({ exp: now - 1 }),
    await jwt({ iat: now + 30 }),
    await jwt({ iat: now - 60.5 }),
    `${(await jwt()).slice(0, -8)}AAAAAAAA`,
  ];
  const replies = await Promise.all(bad.map((token) => mint(id, {}, token)));
  expect(replies.map(({ status }) => status)).toEqual([401, 401, 401, 401, 401]);
  expect(replies.map((reply) => text(reply, "message")).slice(0, 3)).toEqual([
    "'Expiration time' claim ('exp') is too far in the future",
    "'Expiration time' claim ('exp') must be a numeric value representing the future time at which the assertion expires",
    "'Issued at' claim ('iat') must be an Integer representing the time that the assertion was issued",
  ]);
  expect((await mint(id, {}, await jwt({ iss: "somebody" }))).body).toMatchObject({ message: "Integration not found" });
  expect((await mint(id, {}, await jwt({ iss: String(github.app.appId) }))).status).toBe(201);
  const pem = github.controls.rotatePrivateKey();
  expect((await mint(id)).status).toBe(401);
  expect((await mint(id, {}, await jwt({}, pem))).status).toBe(201);
});

test("suspending stops tokens until it is undone, and uninstalling ends them", async () => {
  await start();
  const id = await install();
  const token = text(await mint(id), "token");
  const repositories = `${github.apiUrl}/installation/repositories`;
  github.controls.suspend(id);
  expect(await mint(id)).toMatchObject({ status: 403, body: { message: "This installation has been suspended" } });
  expect((await get(repositories, token)).status).toBe(401);
  const seen = await get(`${github.apiUrl}/app/installations/${id}`, await jwt());
  expect(text(seen, "suspended_at")).toMatch(/^20/);
  github.controls.unsuspend(id);
  expect((await get(repositories, token)).status).toBe(200);
  const uninstall = () =>
    jwt().then((key) =>
      call(`${github.apiUrl}/app/installations/${id}`, {
        method: "DELETE",
        headers: { authorization: `Bearer ${key}` },
      }),
    );
  expect([(await uninstall()).status, (await uninstall()).status]).toEqual([204, 404]);
  expect((await get(repositories, token)).status).toBe(401);
  expect((await mint(id)).status).toBe(404);
});
