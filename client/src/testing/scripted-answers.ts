import { createHash, randomUUID } from "node:crypto";
import type { GetTokenRequest } from "../../../gen/oauth/token/v1/token_service_pb.js";
import type { Selector, Token } from "../token-client.ts";
import { agreement, type Fields, fieldsOf, fieldsOfSelector } from "./match.ts";
import type { ScriptedRefusal } from "./refusals.ts";

/** What a selector is answered with. */
export type Scripted = { readonly selector: Selector; readonly fields: Fields } & (
  | { readonly kind: "token"; token: ScriptedToken; readonly prefix: string; renewals: number }
  | { readonly kind: "refusal"; readonly refusal: ScriptedRefusal }
);

export type ScriptedToken = Omit<Token, "source">;

const lifeMs = 3_600_000;

/** What was set, the latest for each selector. */
export function createScriptedAnswers() {
  let all: readonly Scripted[] = [];

  function put(scripted: Scripted): void {
    const name = JSON.stringify(scripted.fields, Object.keys(scripted.fields).sort());
    const others = all.filter(({ fields }) => JSON.stringify(fields, Object.keys(fields).sort()) !== name);
    all = [...others, scripted];
  }

  return {
    all: () => all,
    setToken(selector: Selector, given: string | Partial<ScriptedToken>): void {
      const changes = typeof given === "string" ? { accessToken: given } : given;
      const token = complete(selector, changes);
      const fields = fieldsOfSelector(selector);
      put({ kind: "token", selector, fields, token, prefix: token.accessToken, renewals: 0 });
    },
    refuse(selector: Selector, refusal: ScriptedRefusal): void {
      put({ kind: "refusal", selector, fields: fieldsOfSelector(selector), refusal });
    },
    /** The one that agrees in most; a token that was rejected is another from then on. */
    find(request: GetTokenRequest): Scripted | undefined {
      const asked = fieldsOf(request);
      const found = all
        .map((scripted) => ({ scripted, agreed: agreement(scripted.fields, asked) ?? -1 }))
        .filter(({ agreed }) => agreed >= 0)
        .toSorted((a, b) => b.agreed - a.agreed)[0]?.scripted;
      if (found?.kind === "token" && request.rejectedTokenId === found.token.tokenId) {
        found.renewals += 1;
        const accessToken = `${found.prefix}-${found.renewals + 1}`;
        found.token = { ...found.token, accessToken, tokenId: fingerprint(accessToken) };
      }
      return found;
    },
  };
}

function complete({ installationId, externalOrgId }: Selector, given: Partial<ScriptedToken>): ScriptedToken {
  const accessToken = given.accessToken ?? `test-token-${randomUUID()}`;
  return {
    ...{ tokenType: "Bearer", scopes: [], permissions: {}, apiBaseUrl: "" },
    installationId: installationId ?? randomUUID(),
    externalOrgId: externalOrgId ?? "",
    expireTime: new Date(Date.now() + lifeMs),
    ...given,
    accessToken,
    tokenId: given.tokenId ?? fingerprint(accessToken),
  };
}

function fingerprint(accessToken: string): string {
  return createHash("sha256").update(accessToken).digest("hex");
}
