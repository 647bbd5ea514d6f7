import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { createGithub } from "../../../src/platforms/github/github-app.ts";
import { Secret } from "../../../src/secret.ts";
import { GithubCounterpart } from "./counterpart.ts";

const redirectUri = "https://tokens.example/oauth/callback/github";
const noRight = { kind: "not_administered" };

let github: GithubCounterpart;

beforeEach(async () => {
  github = new GithubCounterpart();
  await github.start();
});

afterEach(async () => {
  await github.stop();
  expect(github.complaints).toEqual([]);
  // Whatever was shown, nothing that was needed for it stays alive.
  expect([github.userTokens.size, github.installationTokens.size]).toEqual([0, 0]);
});

/** An installation that the person can see and that was there long ago. */
function installed(changes: Readonly<Record<string, unknown>> = {}): void {
  const found = github.installation(77, { created_at: "2020-01-01T00:00:00Z", ...changes });
  github.reachable.push(found);
  github.installations.push(found);
}

interface Attempt {
  readonly hint?: string;
  readonly begunAt?: Date;
  readonly now?: () => Date;
  readonly claimProof?: "administers" | "sees";
}

function claim({ hint = "77", begunAt = new Date(), now, claimProof = "administers" }: Attempt = {}) {
  const platform = createGithub({
    webhookMaxBytes: 1024,
    ...github.site,
    ...(now === undefined ? {} : { now }),
    appId: String(github.appId),
    slug: "acme-bot",
    clientSecret: new Secret(github.clientSecret),
    privateKey: new Secret(github.keys.privateKey.export({ type: "pkcs8", format: "pem" }).toString()),
    installPath: "/apps",
    issuer: "https://github.com/login/oauth",
    claimProof,
    webhookSecrets: [],
  });
  return platform.exchange({
    ...{ code: new Secret(github.issueCode()), codeVerifier: undefined, redirectUri },
    ...{ hint, begunAt },
  });
}

function calls(): string[] {
  return github.requests.map(({ method, path }) => `${method} ${path.replace(/\?.*/, "")}`);
}

describe("seeing an installation", () => {
  it("is no right to bind it", async () => {
    installed();
    github.repositoryCount = 3;
    github.reachableRepositories.push(false);
    expect(await claim()).toEqual(noRight);
  });

  it("is enough where the operator says so, and then nobody is asked", async () => {
    installed();
    expect(await claim({ claimProof: "sees" })).toMatchObject({ kind: "connected" });
    expect(calls().filter((call) => /repositories|memberships|access_tokens/.test(call))).toEqual([]);
  });
});

describe("what was installed in this attempt", () => {
  const created = new Date("2026-11-20T10:10:03Z");
  /** The exchange takes place at `at`, by GitHub's clock; ours is `wrongBy` ahead. The attempt began `ageMs` before. */
  const at = (time: string, ageMs: number, wrongBy = 0) => {
    github.clock = () => new Date(time);
    const ours = new Date(Date.parse(time) + wrongBy);
    return { hint: "77:new", begunAt: new Date(ours.getTime() - ageMs), now: () => ours };
  };

  it.each([
    ["after it began", "2026-11-20T10:10:20.000Z", 30_000, 0],
    ["in the second in which it began", "2026-11-20T10:10:05.100Z", 1_900, 0],
    ["by GitHub's clock, whatever ours says", "2026-11-20T10:10:20.000Z", 30_000, 7_200_000],
    ["by GitHub's clock, whatever ours says", "2026-11-20T10:10:20.000Z", 30_000, -7_200_000],
  ])("belongs to who installed it: %s", async (_, time, ageMs, wrongBy) => {
    installed({ created_at: created.toISOString() });
    expect(await claim(at(time, ageMs, wrongBy))).toMatchObject({ kind: "connected" });
    expect(calls().filter((call) => /repositories|memberships/.test(call))).toEqual([]);
  });

  it.each([
    ["before it began", "2026-11-20T10:10:20.000Z", 15_000, 0],
    ["before it began, also with our clock behind", "2026-11-20T10:10:20.000Z", 15_000, -7_200_000],
  ])("is not what was installed %s", async (_, time, ageMs, wrongBy) => {
    installed({ created_at: created.toISOString() });
    expect(await claim(at(time, ageMs, wrongBy))).toEqual(noRight);
  });

  it("is not what the callback did not call installed, nor what nobody knows the age of", async () => {
    installed({ created_at: created.toISOString() });
    expect(await claim({ ...at("2026-11-20T10:10:20.000Z", 30_000), hint: "77" })).toEqual(noRight);
    github.reachable.length = 0;
    installed({ created_at: "soon" });
    expect(await claim(at("2026-11-20T10:10:20.000Z", 30_000))).toEqual(noRight);
  });
});

describe("a person's own account", () => {
  it("is the person's to bind", async () => {
    const account = { login: "octocat", id: github.user.id, type: "User" };
    installed({ account, target_id: account.id, target_type: "User" });
    expect(await claim()).toMatchObject({ kind: "connected" });
  });

  it("is nobody else's, and an organization of the same number is not it", async () => {
    installed({ account: { login: "other", id: 999, type: "User" } });
    expect(await claim()).toEqual(noRight);
    github.reachable.length = 0;
    installed({ account: { login: "org", id: github.user.id, type: "Organization" } });
    expect(await claim()).toEqual(noRight);
  });
});

describe("who administers the organization", () => {
  const inOrganization = (membership: { state?: string; role?: string; id?: number }) => {
    installed();
    github.memberships.set("org-77", { state: "active", role: "admin", id: 9_077, ...membership });
  };

  it("may bind it", async () => {
    inOrganization({});
    expect(await claim()).toMatchObject({ kind: "connected" });
    expect(calls()).toContain("GET /user/memberships/orgs/org-77");
  });

  it.each([
    [{ role: "member" }],
    [{ role: "billing_manager" }],
    [{ state: "pending" }],
    // The login belongs to somebody else by now.
    [{ id: 1 }],
  ])("is not who is %j", async (membership) => {
    inOrganization(membership);
    expect(await claim()).toEqual(noRight);
  });

  it("is not known where the app may not read members: then other proofs are asked for", async () => {
    inOrganization({});
    github.membersReadable = false;
    expect(await claim()).toEqual(noRight);
    github.repositoryCount = 1;
    github.reachableRepositories.push(true);
    expect(await claim()).toMatchObject({ kind: "connected" });
  });

  it("is asked again later when GitHub does not answer, unless something else shows it", async () => {
    installed();
    github.answerNext("GET /user/memberships/orgs/org-77", { status: 502 }, { status: 502 });
    expect(await claim()).toMatchObject({ kind: "unavailable", cause: "http_502" });
    github.repositoryCount = 1;
    github.reachableRepositories.push(true);
    expect(await claim()).toMatchObject({ kind: "connected" });
  });

  it("is not decided by a rate limit", async () => {
    installed();
    const limited = { status: 403, body: { message: "no" }, headers: { "retry-after": "9" } };
    github.answerNext("GET /user/memberships/orgs/org-77", limited);
    expect(await claim()).toEqual({ kind: "rate_limited", retryAfterMs: 9_000 });
  });
});

describe("who administers every repository of the installation", () => {
  it("may bind it, on every page", async () => {
    installed();
    github.repositoryCount = 250;
    github.reachableRepositories.push(...Array.from({ length: 250 }, () => true));
    expect(await claim()).toMatchObject({ kind: "connected" });
    expect(calls().filter((call) => call === "GET /user/installations/77/repositories")).toHaveLength(3);
    expect(github.requests.find(({ path }) => path.endsWith("/access_tokens"))?.body).toEqual({
      permissions: { metadata: "read" },
    });
  });

  it("may bind it, however much GitHub says of each", async () => {
    installed();
    github.repositoryCount = 100;
    github.repositoryDetails = "x".repeat(20_000);
    github.reachableRepositories.push(...Array.from({ length: 100 }, () => true));
    expect(await claim()).toMatchObject({ kind: "connected" });
  });

  it("is not who administers all but one, on the last page", async () => {
    installed();
    github.repositoryCount = 201;
    github.reachableRepositories.push(...Array.from({ length: 200 }, () => true), false);
    expect(await claim()).toEqual(noRight);
  });

  it("is not who administers all that this person is shown, while the installation has more", async () => {
    installed();
    github.repositoryCount = 2;
    github.reachableRepositories.push(true);
    expect(await claim()).toEqual(noRight);
  });

  it("is nobody where there is none", async () => {
    installed();
    expect(await claim()).toEqual(noRight);
  });

  it("is nobody where it cannot be counted: suspended, or gone", async () => {
    installed({ suspended_at: "2026-11-20T10:10:00Z" });
    github.reachableRepositories.push(true);
    github.repositoryCount = 1;
    expect(await claim()).toEqual(noRight);
    github.installations.length = 0;
    expect(await claim()).toEqual(noRight);
  });

  it("is not asked for without end", async () => {
    installed();
    github.repositoryCount = 3_000;
    github.reachableRepositories.push(...Array.from({ length: 3_000 }, () => true));
    expect(await claim()).toEqual(noRight);
    expect(calls().filter((call) => call === "GET /user/installations/77/repositories")).toHaveLength(25);
  });
});
