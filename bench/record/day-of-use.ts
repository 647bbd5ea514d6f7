import { randomBytes } from "node:crypto";
import { createTestWorld } from "../../rig/world.ts";
import { anonymous } from "../../src/domain/access/caller.ts";
import type { Call } from "../../src/domain/model/call.ts";
import { createHandOut } from "../../src/domain/tokens/hand-out.ts";
import type { IssuedToken } from "../../src/domain/tokens/issued-token.ts";
import { Secret } from "../../src/secret.ts";

export interface Use {
  readonly connections: number;
  readonly hours: number;
  /** Each connection is asked for by one caller so often. */
  readonly everySeconds: number;
}

/** A token of an hour is replaced at half of its life. */
const tokenSeconds = 1_800;

/** Rows of the record that such a use makes in a day, by the service's own counting and a clock that is moved. */
export async function rowsOfADay({ connections, hours, everySeconds }: Use): Promise<number> {
  let nowMs = Date.UTC(2027, 0, 1);
  let rows = 0;
  const handOut = createHandOut({
    audit: {
      async append(events) {
        rows += events.length;
      },
    },
    installations: { recordUse: async () => undefined },
    world: createTestWorld(() => new Date(nowMs)),
  });
  let tokens: IssuedToken[] = [];
  for (let second = 0; second < hours * 3_600; second++, nowMs += 1_000) {
    if (second % tokenSeconds === 0) {
      tokens = Array.from({ length: connections }, (_, n) => issued(n));
      // That the token was refreshed is a row, too.
      rows += connections;
    }
    for (let n = second % everySeconds; n < connections; n += everySeconds) {
      const token = tokens[n];
      if (token !== undefined && !handOut.repeat(token, call)) await handOut.record(token, call);
    }
    await handOut.flush();
  }
  await handOut.flush(true);
  return Math.round((rows * 24) / hours);
}

const call: Call = {
  caller: "indexer-worker",
  access: anonymous.access("GetToken"),
  policyHash: undefined,
  trace: undefined,
  address: "10.0.0.1",
  requestId: "r",
  method: "GetToken",
  remainingMs: () => 10_000,
};

function issued(n: number): IssuedToken {
  return {
    token: new Secret(""),
    tokenType: "Bearer",
    expiresAt: undefined,
    scopes: [],
    permissions: {},
    installationId: `installation ${n}`,
    owner: "acme",
    platform: "jira",
    externalOrgId: `${n}`,
    tokenId: randomBytes(32).toString("hex"),
    apiBaseUrl: "https://api.example",
  };
}
