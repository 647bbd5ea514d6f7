import { randomBytes } from "node:crypto";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createBrowser } from "../../rig/browser.ts";
import { createApiKey, hashOfApiKey } from "../../src/callers/api-key.ts";
import { type Replica, startService, type TestService } from "../support/service.ts";
import { approve, ask, openPage, poll, type StartedCode } from "./support/link-codes.ts";

const keys = {
  ci: createApiKey(randomBytes).key,
  hasty: createApiKey(randomBytes).key,
  reader: createApiKey(randomBytes).key,
  ops: createApiKey(randomBytes).key,
  other: createApiKey(randomBytes).key,
};
type Name = keyof typeof keys;

const match = (name: Name) => `match: { api_key: "sha256:${hashOfApiKey(keys[name].reveal()).toString("hex")}" }`;
const rules = `version: 1
callers:
  - name: ci
    ${match("ci")}
    allow: [{ methods: [StartLink], platforms: [slack], owners: [acme] }]
  - name: hasty
    ${match("hasty")}
    allow: [{ methods: [StartLink], platforms: [slack], owners: [acme], rate: { per_second: 0.001, burst: 1 } }]
  - name: reader
    ${match("reader")}
    allow: [{ methods: [GetToken], platforms: [slack], owners: [acme] }]
  - name: ops
    ${match("ops")}
    allow: [{ methods: [RevokeInstallation], platforms: [slack], all_owners: true }]
  - name: other
    ${match("other")}
    allow: [{ methods: [RevokeInstallation], platforms: [slack], owners: [globex] }]
`;

let directory: string;
let service: TestService;
const replica = (): Replica => {
  const [first] = service.replicas;
  if (first === undefined) throw new Error("there is no replica");
  return first;
};

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), "link-callers-"));
  await writeFile(join(directory, "callers.yaml"), rules);
  const env = { AUTH_CONFIG: join(directory, "callers.yaml"), INSTALL_MODE: "link" };
  service = await startService({ env });
});
afterAll(async () => {
  await service.close();
  await rm(directory, { recursive: true });
});

const start = (as: Name | undefined, request: Record<string, unknown>) =>
  ask(replica(), "/v1/link-code", {
    method: "POST",
    body: JSON.stringify(request),
    ...(as !== undefined && { bearer: keys[as].reveal() }),
  });

describe("where callers are told apart", () => {
  test("a link belongs to the caller that started it, and to its owner", async () => {
    const { status, body } = await start("ci", { platform: "slack", client_name: "nightly" });
    expect(status).toBe(200);
    const started = body as unknown as StartedCode;
    const asked = await (await openPage(createBrowser(), replica(), started.verification_url_complete)).send();
    expect(asked.text).toMatch(/Asked for by<\/span><bdi class="name">ci</);
    expect(asked.text).toMatch(/On behalf of<\/span><bdi class="name">acme</);
    await approve(createBrowser(), replica(), started);
    const { body: given } = await poll(replica(), started);
    expect(given.installations).toMatchObject([{ owner: "acme", status: "INSTALLATION_STATUS_ACTIVE" }]);
  });

  test.each([
    ["nobody", undefined, {}, 401, "CALLER_UNAUTHENTICATED"],
    ["a caller without the right", "reader", {}, 403, "CALLER_NOT_ALLOWED"],
    ["a caller for another platform", "ci", { platform: "jira" }, 403, "CALLER_NOT_ALLOWED"],
    ["a caller for another owner", "ci", { owner: "globex" }, 403, "CALLER_NOT_ALLOWED"],
    ["a name that is too long", "ci", { client_name: "x".repeat(101) }, 400, "INVALID_REQUEST"],
    ["a field that nobody knows", "ci", { scope: "all" }, 400, "INVALID_REQUEST"],
  ] as const)("%s starts nothing", async (_what, as, more, status, error) => {
    const answer = await start(as, { platform: "slack", ...more });
    expect([answer.status, answer.body.error]).toEqual([status, error]);
    expect(answer.headers.get("www-authenticate")).toBe(status === 401 ? "Bearer" : null);
  });

  test("the rate of a rule holds here, too", async () => {
    expect((await start("hasty", { platform: "slack" })).status).toBe(200);
    const slow = await start("hasty", { platform: "slack" });
    expect([slow.status, slow.body.error]).toEqual([429, "CALLER_RATE_LIMITED"]);
    expect(Number(slow.headers.get("retry-after"))).toBeGreaterThan(0);
  });

  test("an account is ended by a caller that may revoke what it connected, and by no other", async () => {
    const started = (await start("ci", { platform: "slack" })).body as unknown as StartedCode;
    await approve(createBrowser(), replica(), started);
    const { account_id, account_secret } = (await poll(replica(), started)).body;
    const path = `/v1/tokens/${account_id}`;
    const end = async (bearer: string) => {
      const { status, body } = await ask(replica(), path, { method: "DELETE", bearer });
      return [status, body.error];
    };
    expect(await end("A".repeat(43))).toEqual([401, "CALLER_UNAUTHENTICATED"]);
    expect(await end(keys.ci.reveal())).toEqual([403, "CALLER_NOT_ALLOWED"]);
    expect(await end(keys.other.reveal()), "not its owner's: as good as nothing").toEqual([401, "unauthorized"]);
    expect((await ask(replica(), path, { bearer: String(account_secret) })).status).toBe(200);
    expect(await end(keys.ops.reveal())).toEqual([200, undefined]);
    expect((await ask(replica(), path, { bearer: String(account_secret) })).status).toBe(401);
    expect(await ask(replica(), path, { bearer: keys.ops.reveal() }), "to end is not to read").toMatchObject({
      status: 401,
    });
  });
});
