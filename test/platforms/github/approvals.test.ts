import { afterEach, beforeEach, expect, it } from "vitest";
import { createGithub } from "../../../src/platforms/github/github-app.ts";
import { Secret } from "../../../src/secret.ts";
import { GithubCounterpart } from "./counterpart.ts";

let github: GithubCounterpart;

beforeEach(async () => {
  github = new GithubCounterpart();
  await github.start();
});

afterEach(async () => {
  await github.stop();
  expect(github.complaints).toEqual([]);
});

const approvals = () => {
  const key = github.keys.privateKey.export({ type: "pkcs8", format: "pem" }).toString();
  const { approvals: found } = createGithub({
    ...github.site,
    ...{ appId: String(github.appId), slug: "acme-bot", issuer: "https://github.com/login/oauth" },
    ...{ clientSecret: new Secret(github.clientSecret), privateKey: new Secret(key) },
    ...{ installPath: "/apps", claimProof: "sees", webhookSecrets: [], webhookMaxBytes: 1024 },
  });
  if (found === undefined) throw new Error("it has no approvals");
  return found;
};
const app = (body: object, status = 200) => github.answerNext("GET /app", { status, body });

it("reads what the app asks for, of the configured app alone, and concludes nothing from anything else", async () => {
  const { wanted } = approvals();
  app({ id: github.appId, permissions: { issues: "write", metadata: "read", odd: 7 } });
  expect(await wanted()).toEqual({ issues: "write", metadata: "read" });
  app({ id: github.appId + 1, permissions: { issues: "write" } });
  expect(await wanted()).toBeUndefined();
  app({ id: github.appId });
  expect(await wanted()).toBeUndefined();
  app({ message: "Unavailable" }, 503);
  expect(await wanted()).toBeUndefined();
});

it("misses what is not granted, or at a lower level, and not what this kind of account never grants", () => {
  const { lacking } = approvals();
  const wanted = {
    ...{ contents: "write", issues: "read", checks: "admin", new_kind: "special" },
    ...{ members: "read", organization_projects: "write", emails: "read", enterprise_people: "read" },
  };
  const permissions = { contents: "read", issues: "write", checks: "admin", new_kind: "other" };
  const of = (type: string) => lacking({ permissions, metadata: { account_type: type } }, wanted);
  expect(of("User")).toEqual(["contents:write", "new_kind:special"]);
  expect(of("Organization")).toEqual([
    "contents:write",
    "members:read",
    "new_kind:special",
    "organization_projects:write",
  ]);
  expect(lacking({ permissions: {}, metadata: {} }, {})).toEqual([]);
});
