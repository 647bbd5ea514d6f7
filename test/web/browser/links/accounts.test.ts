import { describe, expect, test } from "vitest";
import type { AccountToken } from "../../../../src/domain/links/account-token.ts";
import type { ForgetAccount, Forgetter } from "../../../../src/domain/links/forget-account.ts";
import type { RotateAccountSecret } from "../../../../src/domain/links/rotate-account-secret.ts";
import { ServiceError } from "../../../../src/errors.ts";
import { Secret } from "../../../../src/secret.ts";
import type { PublicAppOptions } from "../../../../src/web/browser/public-app.ts";
import { call } from "../../../support/call.ts";
import { memoryLinks } from "../../support/memory-links.ts";
import { startSite } from "../../support/site.ts";

const id = "0195e3a0-0000-7000-8000-00000000000a";
const path = `/v1/tokens/${id}`;
const right = { authorization: "Bearer the-account-secret" };

/** One account in memory. */
async function site(options: Partial<PublicAppOptions> = {}) {
  const rejected: (string | undefined)[] = [];
  const forgotten: Forgetter[] = [];
  const knows = (account: string, secret: Secret) => account === id && secret.reveal() === "the-account-secret";
  const accountToken: AccountToken = async ({ accountId, accountSecret, rejectedTokenId }) => {
    if (!knows(accountId, accountSecret)) return { kind: "unknown" };
    rejected.push(rejectedTokenId);
    return {
      kind: "token",
      payload: {
        ...{ accessToken: new Secret("fresh"), tokenType: "Bearer", expiresAt: undefined, scopes: [] },
        ...{ accountId: id, accountSecret: undefined, apiBaseUrl: "https://api.github.com", installations: [] },
        tokenId: "t",
      },
    };
  };
  const forgetAccount: ForgetAccount = async (accountId, by) => {
    if (accountId !== id || ("secret" in by && !knows(accountId, by.secret))) return { kind: "unknown" };
    forgotten.push(by);
    return { kind: "forgotten", ended: [] };
  };
  const rotateAccountSecret: RotateAccountSecret = async (accountId, secret) =>
    knows(accountId, secret) ? { kind: "rotated", secret: new Secret("the-next-secret") } : { kind: "unknown" };
  const links = { ...memoryLinks(new Date()), accountToken, forgetAccount, rotateAccountSecret };
  return { ...(await startSite({ links, ...options })), rejected, forgotten };
}

describe("/v1/tokens/{account_id}", () => {
  test("gives the holder of the secret a fresh token, without a secret in it", async () => {
    const { ask, rejected } = await site();
    const answer = await ask(`${path}?rejected_token_id=t-1`, { headers: right });
    const payload = {
      ...{ access_token: "fresh", token_type: "Bearer", scopes: [], account_id: id, token_id: "t" },
      ...{ api_base_url: "https://api.github.com", installations: [] },
    };
    expect([answer.status, JSON.parse(answer.text)]).toEqual([200, payload]);
    await ask(`${path}?rejected_token_id=`, { headers: right });
    expect(rejected).toEqual(["t-1", undefined]);
  });

  test.each([
    ["is misspelt", "rejected_token=t"],
    ["is given twice", "rejected_token_id=a&rejected_token_id=b"],
    ["is too long", `rejected_token_id=${"x".repeat(129)}`],
    ["is no UTF-8", "rejected_token_id=%ff"],
  ])("refuses what %s, rather than give the rejected token again", async (_what, query) => {
    const { ask, rejected } = await site();
    const answer = await ask(`${path}?${query}`, { headers: right });
    expect([answer.status, JSON.parse(answer.text).error]).toEqual([400, "INVALID_REQUEST"]);
    expect(rejected).toEqual([]);
  });

  test.each([
    ["GET", path],
    ["DELETE", path],
    ["POST", `${path}/secret`],
  ])("%s %s says the same of a wrong secret, none, and another account", async (method, at) => {
    const { ask, forgotten } = await site();
    const answers = await Promise.all([
      ask(at, { method, headers: { authorization: "Bearer wrong" } }),
      ask(at, { method, headers: {} }),
      ask(at.replace(id, "none"), { method, headers: right }),
      ask(at.replace(id, "0195e3a0-0000-7000-8000-00000000000b"), { method, headers: right }),
    ]);
    const seen = answers.map(({ status, text, headers }) => {
      const { date: _date, "x-request-id": _id, ...others } = headers;
      return { status, text, others };
    });
    for (const one of seen) expect(one).toEqual(seen[0]);
    expect([seen[0]?.status, forgotten]).toEqual([401, []]);
  });

  test("passes the reasons of GetToken on, with where to connect again", async () => {
    const refused = new ServiceError("REAUTHORIZATION_REQUIRED", "connect again", {
      metadata: { install_url: "https://t.example/connect" },
    });
    const links = { ...memoryLinks(new Date()), accountToken: () => Promise.reject(refused) };
    const answer = await (await startSite({ links })).ask(path, { headers: right });
    expect([answer.status, JSON.parse(answer.text)]).toEqual([
      400,
      {
        error: "REAUTHORIZATION_REQUIRED",
        message: "connect again",
        metadata: { install_url: "https://t.example/connect" },
      },
    ]);
  });

  test("changes the secret for who has it", async () => {
    const { ask } = await site();
    const answer = await ask(`${path}/secret`, { method: "POST", headers: right });
    const rotated = { account_id: id, account_secret: "the-next-secret" };
    expect([answer.status, JSON.parse(answer.text)]).toEqual([200, rotated]);
  });

  test("ends the account for who has its secret", async () => {
    const { ask, forgotten } = await site();
    const answer = await ask(path, { method: "DELETE", headers: right });
    expect([answer.status, JSON.parse(answer.text)]).toEqual([200, { success: true }]);
    expect(forgotten).toEqual([
      { secret: expect.any(Secret), from: expect.objectContaining({ address: "127.0.0.1" }) },
    ]);
  });

  test("ends it for a caller that may revoke, and says to others who they would have to be", async () => {
    const admitted: unknown[] = [];
    const admitRevoker: PublicAppOptions["admitRevoker"] = async (evidence) => {
      admitted.push(evidence);
      if (evidence.authorization !== "Bearer ots_key") throw new ServiceError("CALLER_UNAUTHENTICATED", "who?");
      return call({ caller: "ops", method: "RevokeInstallation" });
    };
    const { ask, forgotten } = await site({ admitRevoker });
    const stranger = await ask(path, { method: "DELETE", headers: { authorization: "Bearer ots_other" } });
    expect([stranger.status, JSON.parse(stranger.text).error]).toEqual([401, "CALLER_UNAUTHENTICATED"]);
    expect(forgotten).toEqual([]);
    const headers = { authorization: "Bearer ots_key" };
    expect((await ask(path, { method: "DELETE", headers })).status).toBe(200);
    expect(forgotten).toEqual([{ call: expect.objectContaining({ caller: "ops" }) }]);
    expect((await ask(path.replace(id, "none"), { method: "DELETE", headers })).status).toBe(401);
    // The holder's own secret asks nobody who they are.
    admitted.length = 0;
    await ask(path, { method: "DELETE", headers: right });
    expect(admitted).toEqual([]);
  });

  test.each([
    ["HEAD", path, "GET, DELETE"],
    ["PUT", path, "GET, DELETE"],
    ["GET", `${path}/secret`, "POST"],
    ["DELETE", `${path}/secret`, "POST"],
  ])("takes no %s at %s", async (method, at, allow) => {
    const { ask, forgotten } = await site();
    const answer = await ask(at, { method, headers: right });
    expect([answer.status, answer.headers.allow, forgotten]).toEqual([405, allow, []]);
  });
});
