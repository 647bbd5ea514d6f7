import type { JsonObject } from "@bufbuild/protobuf";
import { beforeAll, describe, expect, test } from "vitest";
import { until } from "../../rig/gate.ts";
import type { Storage } from "../../src/storage/storage.ts";
import { callers, installations, owners, platforms, type RawCaller } from "./cast.ts";
import { askById, askList, askToken, productsSeen, type TokenQuestion, type Verdict } from "./oracle.ts";
import { type Answer, openStage, type Stage } from "./stage.ts";

const nowhere = "0192f0c1-5a4b-7c3d-8e2f-1a2b3c4d5e6f";
const keys = installations.map(({ key }) => key);

const narrowings: readonly Pick<TokenQuestion, "permissions" | "repositories">[] = [
  { permissions: { contents: "read" } },
  { permissions: { contents: "write" } },
  { permissions: { issues: "write" } },
  { permissions: { issues: "write", contents: "write" } },
  { permissions: { contents: "read", administration: "read" } },
  { repositories: ["web"] },
  { repositories: ["web"], permissions: { contents: "read" } },
];

/** Every way to ask for a token, of everything there is and of what is not there. */
function tokenQuestions(): readonly TokenQuestion[] {
  const selectors: TokenQuestion[] = [
    ...[...keys, "nowhere"].flatMap((id) => [{ id }, ...platforms.map((platform) => ({ id, platform }))]),
    ...[...keys, "nowhere"].flatMap((org) => platforms.map((platform) => ({ platform, org }))),
    ...owners.flatMap((owner) => platforms.map((platform) => ({ platform, owner }))),
    ...keys.flatMap((id) => ["acme", "beta"].map((owner) => ({ id, owner }))),
    ...platforms.map((platform) => ({ platform })),
  ];
  const narrowed: TokenQuestion[] = [
    ...["gh-acme-1", "gh-acme-2", "gh-beta", "gh-none", "gh-beta-gone", "sl-beta-1", "nowhere"].map((id) => ({ id })),
    { id: "gh-beta", platform: "github" },
    { platform: "github", owner: "beta" },
    { platform: "github", owner: "ghost" },
    { platform: "github" },
    { platform: "slack", org: "sl-acme" },
  ];
  return [
    ...selectors,
    ...narrowed.flatMap((selector) => narrowings.map((narrowing) => ({ ...selector, ...narrowing }))),
  ];
}

/** Callers × methods × platforms × owners on one database, each answer compared with the oracle's. */
export function describeMatrix(open: () => Promise<Storage>): void {
  let stage: Stage;
  beforeAll(async () => {
    const storage = await open();
    // Until then nothing is remembered, and what is remembered is part of the matter.
    await until(() => storage.changes.isAlive(), "changes are heard of");
    stage = await openStage(storage, callers);
  });

  const idOf = (key: string) => (key === "nowhere" ? nowhere : stage.idOf(key));

  async function seenBy(caller: RawCaller, question: TokenQuestion): Promise<Verdict | Answer> {
    const { id, platform = "", org = "", owner = "", permissions = {}, repositories = [] } = question;
    const request = { platform, external_org_id: org, owner, permissions, repositories: [...repositories] };
    const answer = await stage.call(caller.name, "getToken", {
      ...request,
      installation_id: id === undefined ? "" : idOf(id),
    });
    return readVerdict(answer);
  }

  function readVerdict(answer: Answer): Verdict | Answer {
    if (answer.kind === "answered") {
      const { installation_id, access_token, api_base_url } = answer.body;
      const key = stage.keyOf(String(installation_id));
      const token = String(access_token);
      if (key.startsWith("gh-")) return { verdict: "token", key, product: "github", body: bodyOf(token) };
      expect(token).toBe(`token-of-${key}`);
      const [product = "", org] = String(api_base_url).replace("https://api.example/", "").split("/");
      expect(org).toBe(key);
      return { verdict: "token", key, product, body: undefined };
    }
    const { reason, metadata, message } = answer.failure;
    switch (reason) {
      case "CALLER_NOT_ALLOWED":
        return { verdict: "denied" };
      case "INSTALLATION_NOT_FOUND":
        return { verdict: "not_found" };
      case "INSTALLATION_REVOKED":
        return { verdict: "revoked" };
      case "SCOPE_NOT_GRANTED":
        return { verdict: "not_granted" };
      case "INSTALLATION_AMBIGUOUS":
        return { verdict: "ambiguous", keys: (metadata.installation_ids ?? "").split(",").map(stage.keyOf) };
      case "INVALID_REQUEST":
        return /cannot be narrowed/.test(message) ? { verdict: "cannot_be_narrowed" } : answer;
      default:
        return answer;
    }
  }

  function bodyOf(token: string): Readonly<Record<string, unknown>> {
    const body = stage.github.bodyOf(token);
    expect(body, token).toBeDefined();
    return body as Readonly<Record<string, unknown>>;
  }

  async function listed(caller: RawCaller, filter: { platform?: string; owner?: string }) {
    const found: string[] = [];
    for (let token = ""; ; ) {
      const answer = await stage.call(caller.name, "listInstallations", { ...filter, page_size: 2, page_token: token });
      if (answer.kind === "failed") return answer.failure.reason === "CALLER_NOT_ALLOWED" ? "denied" : answer;
      const { installations: page, next_page_token } = answer.body;
      found.push(...(page as JsonObject[]).map(({ id }) => stage.keyOf(String(id))));
      token = String(next_page_token);
      if (token === "") return found;
      expect(page).toHaveLength(2);
      expect(found.length).toBeLessThanOrEqual(installations.length);
    }
  }

  function readById(answer: Answer) {
    if (answer.kind === "answered") return "found";
    const { reason } = answer.failure;
    if (reason === "CALLER_NOT_ALLOWED") return "denied";
    return reason === "INSTALLATION_NOT_FOUND" ? "not_found" : answer;
  }

  /** What a refusal says, but for the id that was asked with. */
  const said = (answer: Answer, id: string) => JSON.stringify(answer).replaceAll(id, "{id}");

  describe.each(callers)("$name", (caller) => {
    test("gets the tokens that the oracle says, with these permissions, and no other", async () => {
      for (const question of tokenQuestions()) {
        expect(await seenBy(caller, question), JSON.stringify(question)).toEqual(
          askToken(caller, installations, question),
        );
      }
    });

    test("lists what the oracle says, over all pages", async () => {
      const filters = [
        {},
        ...platforms.map((platform) => ({ platform })),
        ...owners.map((owner) => ({ owner })),
        ...platforms.flatMap((platform) => ["acme", "beta"].map((owner) => ({ platform, owner }))),
      ];
      for (const filter of filters) {
        expect(await listed(caller, filter), JSON.stringify(filter)).toEqual(askList(caller, installations, filter));
      }
    });

    test("is shown single installations as the oracle says", async () => {
      for (const key of [...keys, "nowhere"]) {
        const answer = await stage.call(caller.name, "getInstallation", { installation_id: idOf(key) });
        const installation = installations.find((one) => one.key === key);
        expect(readById(answer), key).toEqual(askById(caller, "GetInstallation", installation));
      }
    });

    test("is told the same of what is another's as of what is not there", async () => {
      for (const { key, ...raw } of installations) {
        for (const rpc of ["getToken", "getInstallation", "revokeInstallation"] as const) {
          const method = {
            getToken: "GetToken",
            getInstallation: "GetInstallation",
            revokeInstallation: "RevokeInstallation",
          }[rpc];
          if (productsSeen(caller, method, { key, ...raw }).length > 0) continue;
          const hidden = await stage.call(caller.name, rpc, { installation_id: idOf(key) });
          const absent = await stage.call(caller.name, rpc, { installation_id: nowhere });
          expect(said(hidden, idOf(key)), `${rpc} ${key}`).toBe(said(absent, nowhere));
        }
        for (const platform of platforms) {
          if (productsSeen(caller, "GetToken", { key, ...raw }).includes(platform)) continue;
          const hidden = await stage.call(caller.name, "getToken", { platform, external_org_id: key });
          const absent = await stage.call(caller.name, "getToken", { platform, external_org_id: "nowhere" });
          expect(said(hidden, key), `${platform} ${key}`).toBe(said(absent, "nowhere"));
        }
      }
    });
  });

  test("what is remembered for one caller is not served to another, whoever comes first", async () => {
    const questions: TokenQuestion[] = [
      ...platforms.flatMap((platform) => [{ platform }, ...owners.map((owner) => ({ platform, owner }))]),
      ...keys.map((id) => ({ id })),
    ];
    for (const question of questions) {
      for (const caller of [...callers, ...callers.toReversed()]) {
        const what = `${caller.name} ${JSON.stringify(question)}`;
        expect(await seenBy(caller, question), what).toEqual(askToken(caller, installations, question));
      }
    }
  });

  test("a call without a proof, or with a wrong one, gets nothing", async () => {
    const wrong = [
      "",
      "Bearer",
      "Bearer x",
      `Bearer ots_${"0".repeat(8)}_${"0".repeat(43)}_${"0".repeat(6)}`,
      "Basic YTpi",
    ];
    const [first = ""] = keys;
    for (const authorization of wrong) {
      for (const rpc of ["getToken", "getInstallation", "revokeInstallation", "listInstallations"] as const) {
        const request = rpc === "listInstallations" ? {} : { installation_id: idOf(first) };
        const answer = await stage.call("everything", rpc, request, authorization);
        expect(answer).toMatchObject({ kind: "failed", failure: { reason: "CALLER_UNAUTHENTICATED", metadata: {} } });
      }
    }
  });

  // Last: it changes what is there.
  test("each caller revokes what the oracle says, and nothing else comes to harm", async () => {
    for (const caller of callers) {
      for (const installation of installations) {
        const expected = askById(caller, "RevokeInstallation", installation);
        const id =
          expected === "found" ? await stage.copy({ ...installation, revoked: false }) : idOf(installation.key);
        const answer = await stage.call(caller.name, "revokeInstallation", { installation_id: id });
        expect(readById(answer), `${caller.name} ${installation.key}`).toEqual(expected);
        if (answer.kind === "answered")
          expect(answer.body.installation).toMatchObject({ id, status: "INSTALLATION_STATUS_REVOKED" });
      }
    }
    for (const { key, revoked } of installations) {
      const answer = await stage.call("everything", "getInstallation", { installation_id: idOf(key) });
      const status = revoked ? "INSTALLATION_STATUS_REVOKED" : "INSTALLATION_STATUS_ACTIVE";
      expect(answer, key).toMatchObject({ body: { installation: { status } } });
    }
  });
}
