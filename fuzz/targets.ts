import { generateKeyPairSync } from "node:crypto";
import { readFileSync } from "node:fs";
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { GetTokenRequestSchema } from "../gen/oauth/token/v1/token_service_pb.js";
import { expectOnlyKnownKeys } from "../rig/known-keys.ts";
import { createTestWorld } from "../rig/world.ts";
import { configuredPlatforms } from "../src/app/configured-platforms.ts";
import { parseCallerFile } from "../src/callers/caller-file.ts";
import { FileRefused } from "../src/callers/file-problems.ts";
import { loadConfig } from "../src/config/load-config.ts";
import { silentTelemetry } from "../src/domain/model/telemetry.ts";
import { registry } from "../src/platforms/registry.ts";
import { toGetTokenRequest } from "../src/rpc/methods/get-token.ts";
import { methodNames } from "../src/rpc/rpc-names.ts";
import { violationsOf } from "../src/rpc/rules.ts";
import { consolePath } from "../src/web/console/sign-in/console-path.ts";

/** Something that reads what strangers send. */
export interface Target {
  readonly name: string;
  /** Throws what nobody expects, and nothing else. */
  read(input: Buffer): void;
  readonly seeds: readonly Buffer[];
  /** What means something to it. */
  readonly words: readonly string[];
}

const uuid = "0192f0c1-5a4b-7c3d-8e2f-1a2b3c4d5e6f";

const getToken: Target = {
  name: "GetToken request",
  seeds: [
    { platform: "github", externalOrgId: "1", minTtl: { seconds: 60n }, permissions: { contents: "read" } },
    { installationId: uuid, actor: 2, externalUserId: "U1", rejectedTokenId: "x", github: { repositoryIds: [7n] } },
    { platform: "slack", repositories: ["hello-world"], owner: "acme", externalInstallId: "9" },
  ].map((init) => Buffer.from(toBinary(GetTokenRequestSchema, create(GetTokenRequestSchema, init)))),
  words: ["\0", uuid, "read", "contents", "a/b", "\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", "\x42\x02\x08\x01"],
  read(input) {
    const request = parsed(input);
    if (request !== undefined && violationsOf("getToken", request).length === 0) toGetTokenRequest(request);
  },
};

/** Undefined for what is no message: the door refuses it. */
function parsed(input: Buffer) {
  try {
    return fromBinary(GetTokenRequestSchema, input);
  } catch {
    return undefined;
  }
}

function callbacks(): Target {
  const { privateKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
  const { config } = loadConfig(
    {
      GITHUB_APP_ID: "1",
      GITHUB_APP_NAME: "app",
      GITHUB_CLIENT_ID: "id",
      GITHUB_CLIENT_SECRET: "secret",
      GITHUB_PRIVATE_KEY: privateKey.export({ type: "pkcs1", format: "pem" }).toString(),
      GITHUB_OAUTH_CLIENT_ID: "id",
      GITHUB_OAUTH_CLIENT_SECRET: "secret",
      JIRA_CLIENT_ID: "id",
      JIRA_CLIENT_SECRET: "secret",
      SLACK_CLIENT_ID: "id",
      SLACK_CLIENT_SECRET: "secret",
      SLACK_SIGNING_SECRET: "secret",
    },
    (path) => readFileSync(path, "utf8"),
  );
  const { all } = configuredPlatforms(config, createTestWorld(), silentTelemetry);
  return {
    name: "callback query of every platform",
    seeds: ["code=x&state=y", "error=access_denied", "installation_id=7&setup_action=install", "iss=z&code=x"].map(
      (text) => Buffer.from(text),
    ),
    words: ["&code=", "&error=", "&iss=", "&installation_id=", "&setup_action=request", "redirect_uri_mismatch", "%00"],
    read(input) {
      const query = new URLSearchParams(input.toString("latin1"));
      for (const platform of all) {
        const { kind } = platform.readCallback(query, input.length % 2 === 0 ? "7" : undefined);
        if (query.getAll("code").length > 1 && kind === "code")
          throw new Error(`${platform.name} took one of two codes`);
      }
    },
  };
}

const callerFile: Target = {
  name: "caller file",
  seeds: [readFileSync(new URL("../rig/callers/callers.yaml", import.meta.url))],
  words: [
    "all_owners: true",
    "permissions: { github: { contents: read } }",
    "\n  - name: x",
    "&a",
    "*a",
    "!!set",
    "rate:",
  ],
  read(input) {
    try {
      parseCallerFile(input, {
        rpcs: methodNames,
        products: registry.productNames,
        narrowable: registry.narrowable,
        redact: registry.redact,
        now: new Date("2026-11-21"),
        name: "the caller file",
      });
    } catch (error) {
      if (error instanceof FileRefused) return;
      throw error;
    }
    expectOnlyKnownKeys(input.toString());
  },
};

const signIn: Target = {
  name: "where a sign-in at the console leads",
  seeds: ["/console?search=acme", `/console/connections/${uuid}`, "https://evil.example/console", "//evil.example"].map(
    (text) => Buffer.from(text),
  ),
  words: ["/console/", "//", "\\", "%2e%2e/", "../", "\t", "\r\n", "?", "#", "@", ":", "sign-out", "\xff"],
  read(input) {
    const path = consolePath(input.toString("latin1"));
    const { origin, pathname } = new URL(path, "http://console.example");
    const isPage = /^\/console(?:\/|$)/.test(pathname) && /^[!-~]+$/.test(path);
    if (origin !== "http://console.example" || !isPage) throw new Error(`a sign-in led to ${path}`);
  },
};

export const targets: readonly Target[] = [getToken, callbacks(), callerFile, signIn];
