import { randomBytes } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { createApiKey, hashOfApiKey } from "../../src/callers/api-key.ts";
import { useService } from "./support/use-service.ts";

const { key } = createApiKey(randomBytes);
const limited = { metadata: { authorization: `Bearer ${key.reveal()}` } };

/** Whoever may have two permissions at most. */
const policy = `
version: 1
callers:
  - name: limited
    match: { api_key: "sha256:${hashOfApiKey(key.reveal()).toString("hex")}", expires: 2099-01-01 }
    allow:
      - { methods: [GetToken, ListInstallations, GetInstallation], platforms: [github], all_owners: true, permissions: { github: { contents: read, issues: write, checks: read } } }
`;
const directory = mkdtempSync(join(tmpdir(), "callers-"));
const file = join(directory, "callers.yaml");
writeFileSync(file, policy, { mode: 0o600 });
afterAll(() => rmSync(directory, { recursive: true }));
const shared = useService({ env: { AUTH_CONFIG: file, INSTALL_MODE: "open" } });
const request = { platform: "github" };

async function connected() {
  const { service } = shared;
  await service.connect("github");
  const id = service.sandbox.github.controls.installations().at(-1)!.id;
  return { grant: (permissions: Record<string, string>) => service.sandbox.github.controls.grant(id, permissions) };
}
const permissionsNow = async () => (await shared.caller.token(request, limited)).permissions;
async function listed() {
  const { response } = await shared.caller.call("ListInstallations", { platform: "github" }, limited);
  return (response as { installations: { permissions: unknown }[] }).installations[0]?.permissions;
}

test("a permission that was taken away leaves the others, and the list shows it", async () => {
  const { grant } = await connected();
  expect(await permissionsNow()).toEqual({ contents: "read", issues: "write", metadata: "read" });
  grant({ metadata: "read", contents: "read" });
  shared.service.clock.advance(3_600_000);
  expect(await permissionsNow()).toEqual({ contents: "read", metadata: "read" });
  expect(await listed()).toEqual({ contents: "read", metadata: "read" });
});

test("what was taken away a minute ago is learnt from the refused mint, which is asked again with what is left", async () => {
  const { grant } = await connected();
  grant({ metadata: "read", contents: "read", issues: "write" });
  shared.service.clock.advance(6 * 60_000);
  expect(await permissionsNow()).toEqual({ contents: "read", issues: "write", metadata: "read" });
  grant({ metadata: "read", contents: "read" });
  shared.service.clock.advance(60_000);
  const { permissions } = await shared.caller.token({ ...request, repositories: ["api"] }, limited);
  expect(permissions).toEqual({ contents: "read", metadata: "read" });
});

test("a permission that was added is handed out", async () => {
  const { grant } = await connected();
  const all = { metadata: "read", contents: "write", issues: "write", checks: "write" };
  await permissionsNow();
  grant(all);
  shared.service.clock.advance(6 * 60_000);
  expect(await permissionsNow()).toEqual({ contents: "read", issues: "write", checks: "read", metadata: "read" });
  expect(await listed()).toEqual(all);
});

test("what is never granted costs one question, not one for every call", async () => {
  const { grant } = await connected();
  grant({ metadata: "read", contents: "read" });
  const ask = () => shared.caller.refusal({ ...request, permissions: { checks: "read" } }, limited);
  expect(await ask()).toMatchObject({ reason: "SCOPE_NOT_GRANTED" });
  const before = shared.platformCalls();
  for (let round = 0; round < 5; round++) await ask();
  expect(shared.platformCalls() - before).toBe(5);
});
