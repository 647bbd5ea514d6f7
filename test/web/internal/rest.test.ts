import { describe, expect, test } from "vitest";
import { startInternal } from "../support/internal.ts";

const id = "0195e3a0-0000-7000-8000-000000000001";

describe("the REST routes", () => {
  test.each([
    ["/oauth/token/slack", { platform: "slack" }],
    [
      "/oauth/token/slack?org_id=T1&installation_id=&owner=acme",
      { platform: "slack", external_org_id: "T1", owner: "acme" },
    ],
    ["/oauth/token/git%20hub?external_org_id=1%2B1", { platform: "git hub", external_org_id: "1+1" }],
    [
      `/oauth/token/slack?installation_id=${id}&external_install_id=9&external_user_id=U1&actor=user&min_ttl=90&rejected_token_id=ab`,
      {
        platform: "slack",
        installation_id: id,
        external_install_id: "9",
        external_user_id: "U1",
        actor: "ACTOR_USER",
        min_ttl: "90s",
        rejected_token_id: "ab",
      },
    ],
    // As callers of the earlier services ask.
    ["/oauth/token/github?org_id=9001", { platform: "github", external_org_id: "9001" }],
    ["/oauth/token/github?installation_id=41001", { platform: "github", external_install_id: "41001" }],
    [
      `/oauth/token/jira?org_id=c1&installation_id=${id}`,
      { platform: "jira", external_org_id: "c1", installation_id: id },
    ],
    ["/oauth/token/slack?actor=ACTOR_APP&min_ttl=0", { platform: "slack", actor: "ACTOR_APP", min_ttl: "0s" }],
    [
      "/oauth/token/github?repositories=web,api.v2&permissions=contents:read,issues:write",
      {
        platform: "github",
        repositories: ["web", "api.v2"],
        permissions: { contents: "read", issues: "write" },
      },
    ],
    ["/oauth/token/github?repository_ids=7%2C8", { platform: "github", repository_ids: ["7", "8"] }],
    // The rules refuse an empty name: nothing given is not nothing asked for.
    ["/oauth/token/github?repositories=", { platform: "github", repositories: [""] }],
    ["/oauth/token/github?repositories=web,", { platform: "github", repositories: ["web", ""] }],
  ])("%s is GetToken", async (path, request) => {
    const internal = await startInternal();
    const answer = await internal.ask(path);
    expect([answer.status, JSON.parse(answer.text)]).toEqual([200, { answered: "GetToken" }]);
    expect(internal.calls).toEqual([
      {
        method: "GetToken",
        request,
        context: { address: "127.0.0.1", requestId: answer.headers["x-request-id"], certificateNames: [] },
      },
    ]);
  });

  test("a URL that comes again is read once, and one that differs in anything is read by itself", async () => {
    const internal = await startInternal();
    const paths = ["slack?owner=acme", "slack?owner=acme", "slack?owner=acmE", "jira?owner=acme"];
    for (const path of paths) await internal.ask(`/oauth/token/${path}`);
    const [first, again, ...others] = internal.calls.map(({ request }) => request);
    expect(again).toBe(first);
    expect([first, ...others]).toEqual([
      { platform: "slack", owner: "acme" },
      { platform: "slack", owner: "acmE" },
      { platform: "jira", owner: "acme" },
    ]);
    for (let i = 0; i < 2; i++) expect((await internal.ask("/oauth/token/slack?ownr=acme")).status).toBe(400);
  });

  test.each([
    ["", { status: "INSTALLATION_STATUS_ACTIVE" }],
    ["?status=", { status: "INSTALLATION_STATUS_ACTIVE" }],
    ["?status=active", { status: "INSTALLATION_STATUS_ACTIVE" }],
    ["?platform=github", { status: "INSTALLATION_STATUS_ACTIVE", platform: "github" }],
    ["?status=Revoked", { status: "INSTALLATION_STATUS_REVOKED" }],
    [
      "?status=INSTALLATION_STATUS_REAUTHORIZATION_REQUIRED",
      { status: "INSTALLATION_STATUS_REAUTHORIZATION_REQUIRED" },
    ],
    [
      "?platform=jira&page_size=7&page_token=abc&org_id=O&external_install_id=I&owner=acme&search=Ac",
      {
        platform: "jira",
        status: "INSTALLATION_STATUS_ACTIVE",
        page_size: 7,
        page_token: "abc",
        external_org_id: "O",
        external_install_id: "I",
        owner: "acme",
        search: "Ac",
      },
    ],
  ])("/oauth/installations%s is ListInstallations", async (query, request) => {
    const internal = await startInternal();
    expect((await internal.ask(`/oauth/installations${query}`)).status).toBe(200);
    expect(internal.calls).toMatchObject([{ method: "ListInstallations" }]);
    expect(internal.calls[0]?.request).toEqual(request);
  });

  test("DELETE is RevokeInstallation and says so", async () => {
    const internal = await startInternal({ answer: { body: { provider_revocation: "PROVIDER_REVOCATION_REVOKED" } } });
    const answer = await internal.ask(`/oauth/installations/${id}?reason=left%20us`, { method: "DELETE" });
    expect(JSON.parse(answer.text)).toEqual({ success: true, provider_revocation: "PROVIDER_REVOCATION_REVOKED" });
    expect(internal.calls).toMatchObject([
      { method: "RevokeInstallation", request: { installation_id: id, reason: "left us" } },
    ]);
  });

  test.each(["GET", "DELETE"])("a refusal of %s keeps its status, body and time to wait", async (method) => {
    const body = { error: { code: "UNAVAILABLE", reason: "PROVIDER_UNAVAILABLE", message: "later", metadata: {} } };
    const internal = await startInternal({ answer: { status: 503, body, retryAfterSeconds: 7 } });
    const answer = await internal.ask(method === "GET" ? "/oauth/token/slack" : `/oauth/installations/${id}`, {
      method,
    });
    expect([answer.status, answer.headers["retry-after"], JSON.parse(answer.text)]).toEqual([503, "7", body]);
  });

  test.each([
    ["/oauth/token/slack?min_ttl=soon", "min_ttl"],
    ["/oauth/token/slack?min_ttl=-1", "min_ttl"],
    ["/oauth/token/slack?min_ttl=1.5", "min_ttl"],
    ["/oauth/token/slack?min_ttl=1e3", "min_ttl"],
    ["/oauth/token/slack?min_ttl=9999999999", "min_ttl"],
    ["/oauth/token/slack?min_ttl=60s", "min_ttl"],
    ["/oauth/token/slack?actor=bot", "actor"],
    ["/oauth/token/slack?owner=a&owner=b", "owner"],
    ["/oauth/token/slack?org_id=a&external_org_id=b", "external_org_id or org_id"],
    ["/oauth/token/github?installation_id=1&external_install_id=2", "external_install_id or installation_id"],
    ["/oauth/token/slack?owner=%zz", "query"],
    ["/oauth/token/github?repositores=web", "repositores"],
    ["/oauth/token/github?repositories[]=web", "query"],
    ["/oauth/token/github?repositories=web&repositories=api", "repositories"],
    ["/oauth/token/github?repositories=web&Repositories=api", "Repositories"],
    ["/oauth/token/github?installationId=1", "installationId"],
    ["/oauth/token/github?repository_ids=", "repository_ids"],
    ["/oauth/token/github?repository_ids=7,web", "repository_ids"],
    ["/oauth/token/github?repository_ids=-7", "repository_ids"],
    ["/oauth/token/github?permissions=", "permissions"],
    ["/oauth/token/github?permissions=contents", "permissions"],
    ["/oauth/token/github?permissions=contents:read:all", "permissions"],
    ["/oauth/token/github?permissions=contents:read,contents:write", "permissions"],
    ["/oauth/token/github?ghs_0123456789abcdef", "query"],
    ["/oauth/installations?org=1", "org"],
    ["/oauth/installations?status=active&status=revoked", "status"],
    ["/oauth/installations?page_size=many", "page_size"],
    ["/oauth/installations?page_size=%2B5", "page_size"],
    ["/oauth/installations?status=UNSPECIFIED", "status"],
    ["/oauth/installations?status=INSTALLATION_STATUS_active;", "status"],
  ])("%s is an invalid request", async (path, field) => {
    const internal = await startInternal();
    const answer = await internal.ask(path);
    expect([answer.status, JSON.parse(answer.text)]).toEqual([
      400,
      {
        error: {
          code: "INVALID_ARGUMENT",
          reason: "INVALID_REQUEST",
          message: expect.stringContaining(`${field}: must `),
          metadata: {},
          violations: [{ field, description: expect.any(String) }],
        },
      },
    ]);
    expect(internal.calls).toEqual([]);
  });

  test.each(["dry_run=1", "reason=a&reason=b"])("?%s revokes nothing", async (query) => {
    const internal = await startInternal();
    const answer = await internal.ask(`/oauth/installations/${id}?${query}`, { method: "DELETE" });
    expect([answer.status, JSON.parse(answer.text).error.reason]).toEqual([400, "INVALID_REQUEST"]);
    expect(internal.calls).toEqual([]);
  });

  test("a path that cannot be decoded is an invalid request", async () => {
    const internal = await startInternal();
    const answer = await internal.ask("/oauth/token/%zz");
    expect([answer.status, JSON.parse(answer.text).error.reason]).toEqual([400, "INVALID_REQUEST"]);
  });
});
