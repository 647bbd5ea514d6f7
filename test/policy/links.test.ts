import { createHash, randomBytes } from "node:crypto";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Storage } from "../../src/storage/storage.ts";
import { openTestStorage } from "../support/domain.ts";
import { connection, siteConnection } from "../support/scripted-platform.ts";
import type { RawCaller } from "./cast.ts";
import { openStage, type Stage } from "./stage.ts";

const methods = ["CreateInstallLink", "CompleteInstall"];
const callers: readonly RawCaller[] = [
  { name: "tokens-only", allow: [{ methods: ["GetToken"], platforms: ["slack", "jira"], all_owners: true }] },
  { name: "makes-only", allow: [{ methods: ["CreateInstallLink"], platforms: ["slack"], all_owners: true }] },
  { name: "of-acme", allow: [{ methods, platforms: ["slack", "jira"], owners: ["acme"] }] },
  { name: "of-anyone", allow: [{ methods, platforms: ["slack"], all_owners: true }] },
  {
    name: "crossed",
    allow: [
      { methods, platforms: ["slack"], owners: ["acme"] },
      { methods, platforms: ["confluence"], owners: ["beta"] },
    ],
  },
];
const products = ["slack", "jira", "confluence", "github"];
const owners = ["acme", "beta"];

let stage: Stage;
let storage: Storage;
let close: () => Promise<void>;
beforeAll(async () => {
  ({ storage, close } = await openTestStorage());
  stage = await openStage(storage, callers);
});
afterAll(() => close());

/** One rule has to have all three. */
function mayDo(caller: RawCaller, method: string, product: string, owner: string | undefined): boolean {
  for (const rule of caller.allow) {
    const hasOwner = rule.all_owners === true || (owner !== undefined && (rule.owners ?? []).includes(owner));
    if (rule.methods.includes(method) && rule.platforms.includes(product) && hasOwner) return true;
  }
  return false;
}

/** Something that waits to be completed, as a finished callback leaves it. */
async function pending(product: string, owner: string): Promise<{ readonly code: string; readonly id: string }> {
  const code = randomBytes(32).toString("base64url");
  const unique = randomBytes(4).toString("hex");
  const isPersons = product !== "slack";
  const [made] = await storage.pendingInstalls.keep(
    isPersons ? siteConnection(`person-${unique}`, [`site-${unique}`]) : connection({ org: `team-${unique}` }),
    {
      platform: isPersons ? "jira" : "slack",
      holder: isPersons ? "person" : "organization",
      owner,
      now: new Date(),
    },
    {
      codeHash: createHash("sha256").update(code).digest("hex"),
      expiresAt: new Date(Date.now() + 300_000),
      link: { caller: "x", policyHash: undefined, product, scopes: [], installationId: undefined, awaitsOwner: true },
    },
  );
  return { code, id: made!.id };
}

async function reason(caller: string, rpc: "createInstallLink" | "completeInstall", request: Record<string, string>) {
  const answer = await stage.call(caller, rpc, request);
  return answer.kind === "failed" ? answer.failure.reason : "answered";
}

const statusOf = async (id: string) => (await storage.installations.find(id))?.status;

describe.each(callers)("$name", (caller) => {
  test("makes links for its own platforms and owners alone", async () => {
    for (const platform of products.filter((product) => product !== "github")) {
      for (const owner of [...owners, ""]) {
        const request = { platform, owner, return_to: "http://localhost:8010/done" };
        const allowed = mayDo(caller, "CreateInstallLink", platform, owner === "" ? undefined : owner);
        const expected = allowed ? "answered" : "CALLER_NOT_ALLOWED";
        expect(await reason(caller.name, "createInstallLink", request), JSON.stringify(request)).toBe(expected);
      }
    }
  });

  test("is not told which platforms there are beside its own", async () => {
    const request = { owner: "acme", return_to: "http://localhost:8010/done" };
    for (const platform of ["nowhere", "sentry", "github"]) {
      expect(await reason(caller.name, "createInstallLink", { ...request, platform })).toBe("CALLER_NOT_ALLOWED");
    }
  });

  test("reconnects what it sees alone", async () => {
    for (const key of ["sl-acme", "sl-beta-1", "sl-none"]) {
      const owner = { "sl-acme": "acme", "sl-beta-1": "beta" }[key];
      const request = { platform: "slack", installation_id: stage.idOf(key), return_to: "http://localhost:8010/done" };
      const mayAtAll = caller.allow.some((rule) => rule.methods.includes("CreateInstallLink"));
      const sees = mayDo(caller, "CreateInstallLink", "slack", owner);
      const expected = sees ? "answered" : mayAtAll ? "INSTALLATION_NOT_FOUND" : "CALLER_NOT_ALLOWED";
      expect(await reason(caller.name, "createInstallLink", request), key).toBe(expected);
    }
  });

  test("completes what is its own alone, and a refused attempt can still be completed", async () => {
    for (const product of products.filter((name) => name !== "github")) {
      for (const owner of owners) {
        const { code, id } = await pending(product, owner);
        const allowed = mayDo(caller, "CompleteInstall", product, owner);
        const expected = allowed ? "answered" : "CALLER_NOT_ALLOWED";
        const request = { completion_code: code, owner };
        expect(await reason(caller.name, "completeInstall", request), `${product} ${owner}`).toBe(expected);
        expect(await statusOf(id)).toBe(allowed ? "active" : "pending");
      }
    }
  });

  test("is told of codes only in the name of its own owners", async () => {
    const mayName = (owner: string) => products.some((product) => mayDo(caller, "CompleteInstall", product, owner));
    for (const owner of [...owners, "ghost"]) {
      const expected = mayName(owner) ? "INVALID_REQUEST" : "CALLER_NOT_ALLOWED";
      expect(await reason(caller.name, "completeInstall", { completion_code: "made-up", owner }), owner).toBe(expected);
    }
  });
});

test("a code completes nothing in another owner's name", async () => {
  const { code, id } = await pending("slack", "acme");
  expect(await reason("of-anyone", "completeInstall", { completion_code: code, owner: "beta" })).toBe(
    "INVALID_REQUEST",
  );
  expect(await statusOf(id)).not.toBe("active");
  expect(await reason("of-anyone", "completeInstall", { completion_code: code, owner: "acme" })).toBe(
    "INVALID_REQUEST",
  );
});
