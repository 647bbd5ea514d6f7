import { create, type DescMessage, type MessageInitShape } from "@bufbuild/protobuf";
import { createValidator } from "@bufbuild/protovalidate";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  type Actor,
  CompleteInstallRequestSchema,
  CreateInstallLinkRequestSchema,
  GetInstallationRequestSchema,
  GetTokenRequestSchema,
  ListAuditEventsRequestSchema,
  ListInstallationsRequestSchema,
  RevokeInstallationRequestSchema,
  StartLinkRequestSchema,
  WatchInstallationsRequestSchema,
  WatchLinkRequestSchema,
} from "../../gen/oauth/token/v1/token_service_pb.js";
import type { RequestOf, RpcName } from "../../src/rpc/rpc-names.ts";
import { violationsOf } from "../../src/rpc/rules.ts";

const validator = createValidator();

/** Rules of a whole message name no field; ours name the one to change. */
const messageRules: Record<string, string> = {
  "get_token.selector": "platform",
  "get_token.repositories": "repositories",
  "get_token.narrowing": "github",
  "github_narrowing.repositories": "github.repositories",
};

function demandedByProto(schema: DescMessage, request: Parameters<typeof validator.validate>[1]): string[] {
  const result = validator.validate(schema, request);
  if (result.kind === "error") throw result.error;
  const violations = result.violations ?? [];
  return violations.map((violation) => messageRules[violation.ruleId] ?? violation.toString().split(": ")[0] ?? "");
}

function expectAgreement<Name extends RpcName>(name: Name, schema: DescMessage, request: RequestOf<Name>): void {
  const found = violationsOf(name, request).map(({ field }) => field);
  expect(found.toSorted()).toEqual(demandedByProto(schema, request).toSorted());
}

const text = (max: number) =>
  fc.oneof(
    { weight: 4, arbitrary: fc.constantFrom("", "acme", "a/b", "with \0 in it") },
    { weight: 1, arbitrary: fc.nat({ max: 3 }).map((n) => "x".repeat(max - 1 + n)) },
    // One character each, two UTF-16 units.
    { weight: 1, arbitrary: fc.nat({ max: 3 }).map((n) => "𝕏".repeat(max - 1 + n)) },
  );

const uuid = fc.oneof(
  fc.uuid(),
  fc.constantFrom("", "0192F0C1-5A4B-7C3D-8E2F-1A2B3C4D5E6F", "0192f0c1", "0192f0c15a4b7c3d8e2f1a2b3c4d5e6f", "x\n"),
);

const permissions = fc.oneof(
  fc.constant({}),
  fc.dictionary(
    fc.constantFrom("contents", "pull_requests", "_x", "A", "", "x".repeat(100), "x".repeat(101), "a\n", 'q"\\'),
    fc.constantFrom("read", "write", "admin", "", "READ", "none"),
    { maxKeys: 3 },
  ),
  fc.constant(
    Object.fromEntries(Array.from({ length: 101 }, (_, n) => [`a${"b".repeat(n % 90)}_${"c".repeat(n / 90)}`, "read"])),
  ),
);

const narrowing = {
  repositoryIds: fc.oneof(
    fc.constant([]),
    fc.array(fc.constantFrom(1n, 0n, -1n, 9_007_199_254_740_993n), { maxLength: 3 }),
    fc.constantFrom(500, 501).map((n) => new Array<bigint>(n).fill(7n)),
  ),
  repositories: fc.oneof(
    fc.constant([]),
    fc.array(fc.oneof(text(100), fc.constant("hello-world")), { maxLength: 3 }),
    fc.constantFrom(500, 501).map((n) => new Array<string>(n).fill("r")),
  ),
  permissions,
};

const duration = fc.oneof(
  fc.record({
    seconds: fc.constantFrom(0n, 60n, 31_536_000n, 31_536_001n, -1n),
    nanos: fc.constantFrom(0, 1, 999_999_999),
  }),
  fc.constantFrom({ seconds: 0n, nanos: -1 }, { seconds: -1n, nanos: -5 }),
);

const openEnum = fc.constantFrom(0, 1, 2, 3, 5, 6, -1, 99);

const getToken = fc.record(
  {
    platform: text(64),
    installationId: uuid,
    externalOrgId: text(256),
    externalInstallId: text(256),
    owner: text(256),
    actor: openEnum,
    externalUserId: text(256),
    minTtl: duration,
    rejectedTokenId: text(128),
    github: fc.record(narrowing, { requiredKeys: [] }),
    ...narrowing,
  },
  { requiredKeys: [] },
);

const listInstallations = fc.record(
  {
    pageSize: fc.constantFrom(0, 1, 500, 501, -1, -2_147_483_648),
    pageToken: text(1024),
    platform: text(64),
    status: openEnum,
    externalOrgId: text(256),
    externalInstallId: text(256),
    owner: text(256),
    search: text(256),
  },
  { requiredKeys: [] },
);

const createInstallLink = fc.record(
  {
    platform: text(64),
    owner: text(256),
    returnTo: text(2048),
    ttl: fc.oneof(duration, fc.constantFrom({ seconds: 86_400n, nanos: 0 }, { seconds: 86_400n, nanos: 1 })),
    scopes: fc.oneof(
      fc.array(
        fc.constantFrom("repo", "read:user", "two words", 'q"', "\\", "", "x".repeat(200), "x".repeat(201), "a\n"),
      ),
      fc.constantFrom(100, 101).map((n) => new Array<string>(n).fill("s")),
    ),
    installationId: uuid,
    completeInCallback: fc.boolean(),
    confirmPage: fc.boolean(),
  },
  { requiredKeys: [] },
);

const time = fc.record({
  seconds: fc.constantFrom(-1n, 0n, 1_800_000_000n, 253_402_300_799n, 253_402_300_800n),
  nanos: fc.constantFrom(0, 1),
});

const listAuditEvents = fc.record(
  {
    installationId: uuid,
    caller: text(256),
    startTime: time,
    endTime: time,
    pageSize: fc.constantFrom(0, 1, 501, -1),
    pageToken: text(1024),
    kind: text(64),
  },
  { requiredKeys: [] },
);

describe("the rules in plain code are the rules of the proto", () => {
  test("for GetToken", () => {
    fc.assert(
      fc.property(getToken, (fields) => {
        const request = create(GetTokenRequestSchema, fields as MessageInitShape<typeof GetTokenRequestSchema>);
        expectAgreement("getToken", GetTokenRequestSchema, request);
      }),
      { numRuns: 1500 },
    );
  });

  test("for ListInstallations", () => {
    fc.assert(
      fc.property(listInstallations, (fields) => {
        const request = create(
          ListInstallationsRequestSchema,
          fields as MessageInitShape<typeof ListInstallationsRequestSchema>,
        );
        expectAgreement("listInstallations", ListInstallationsRequestSchema, request);
      }),
      { numRuns: 500 },
    );
  });

  test("for GetInstallation and RevokeInstallation", () => {
    fc.assert(
      fc.property(uuid, text(1024), (installationId, reason) => {
        const get = create(GetInstallationRequestSchema, { installationId });
        expectAgreement("getInstallation", GetInstallationRequestSchema, get);
        const revoke = create(RevokeInstallationRequestSchema, { installationId, reason });
        expectAgreement("revokeInstallation", RevokeInstallationRequestSchema, revoke);
      }),
      { numRuns: 300 },
    );
  });

  test("for CreateInstallLink and CompleteInstall", () => {
    fc.assert(
      fc.property(createInstallLink, text(256), text(256), (fields, completionCode, owner) => {
        const link = create(
          CreateInstallLinkRequestSchema,
          fields as MessageInitShape<typeof CreateInstallLinkRequestSchema>,
        );
        expectAgreement("createInstallLink", CreateInstallLinkRequestSchema, link);
        const complete = create(CompleteInstallRequestSchema, { completionCode, owner });
        expectAgreement("completeInstall", CompleteInstallRequestSchema, complete);
      }),
      { numRuns: 500 },
    );
  });

  test("for ListAuditEvents", () => {
    fc.assert(
      fc.property(listAuditEvents, (fields) => {
        const request = create(
          ListAuditEventsRequestSchema,
          fields as MessageInitShape<typeof ListAuditEventsRequestSchema>,
        );
        expectAgreement("listAuditEvents", ListAuditEventsRequestSchema, request);
      }),
      { numRuns: 500 },
    );
  });

  test("for WatchInstallations", () => {
    fc.assert(
      fc.property(text(64), text(256), text(1024), (platform, owner, resumeToken) => {
        const request = create(WatchInstallationsRequestSchema, { platform, owner, resumeToken });
        expectAgreement("watchInstallations", WatchInstallationsRequestSchema, request);
      }),
      { numRuns: 300 },
    );
  });

  test("for StartLink and WatchLink", () => {
    fc.assert(
      fc.property(text(64), text(256), text(100), (platform, owner, clientName) => {
        const request = create(StartLinkRequestSchema, { platform, owner, clientName });
        expectAgreement("startLink", StartLinkRequestSchema, request);
      }),
      { numRuns: 300 },
    );
    fc.assert(
      fc.property(text(64), text(256), (linkCode, pollSecret) => {
        const request = create(WatchLinkRequestSchema, { linkCode, pollSecret });
        expectAgreement("watchLink", WatchLinkRequestSchema, request);
      }),
      { numRuns: 300 },
    );
  });

  test("and report everything that is wrong at once", () => {
    const request = create(GetTokenRequestSchema, { owner: "\0", actor: 9 as Actor, repositories: ["a/b", ""] });
    expect(violationsOf("getToken", request).map(({ field }) => field)).toEqual([
      "owner",
      "actor",
      "repositories[0]",
      "repositories[1]",
      "platform",
    ]);
  });
});
