import { InstallationStatus } from "../../gen/oauth/token/v1/installation_pb.js";
import { Actor, type GithubNarrowing } from "../../gen/oauth/token/v1/token_service_pb.js";
import type { FieldViolation } from "../errors.ts";
import type { RequestOf, RpcName } from "./rpc-names.ts";
import {
  definedValue,
  durationBetween,
  type Found,
  maxItems,
  storable,
  textLength,
  uuid,
  validTime,
} from "./rule-checks.ts";

/**
 * What the contract demands of a request: the buf.validate options of token_service.proto in plain code, since
 * interpreting them costs a third of a call. Both say the same, and a test holds them to it.
 */
export function violationsOf<Name extends RpcName>(name: Name, request: RequestOf<Name>): readonly FieldViolation[] {
  const found: FieldViolation[] = [];
  rules[name](request, found);
  return found;
}

const rules: { readonly [Name in RpcName]: (request: RequestOf<Name>, found: Found) => void } = {
  getToken(request, found) {
    storable(found, "platform", request.platform, 64);
    if (request.installationId !== "") uuid(found, "installation_id", request.installationId);
    storable(found, "external_org_id", request.externalOrgId, 256);
    storable(found, "external_install_id", request.externalInstallId, 256);
    storable(found, "owner", request.owner, 256);
    definedValue(found, "actor", request.actor, Actor);
    storable(found, "external_user_id", request.externalUserId, 256);
    durationBetween(found, "min_ttl", request.minTtl, 0, yearSeconds);
    textLength(found, "rejected_token_id", request.rejectedTokenId, 0, 128);
    narrowing(found, "", request);
    if (request.github !== undefined) narrowing(found, "github.", request.github);
    if (request.installationId === "" && request.platform === "") {
      found.push({ field: "platform", description: "name an installation_id, or a platform" });
    }
    if (request.github !== undefined && isNarrow(request.github) && isNarrow(request)) {
      const description = "narrow with github or with the fields that are short for it, not both";
      found.push({ field: "github", description });
    }
  },

  listInstallations(request, found) {
    if (request.pageSize < 0) found.push({ field: "page_size", description: "must not be negative" });
    textLength(found, "page_token", request.pageToken, 0, 1024);
    storable(found, "platform", request.platform, 64);
    definedValue(found, "status", request.status, InstallationStatus);
    storable(found, "external_org_id", request.externalOrgId, 256);
    storable(found, "external_install_id", request.externalInstallId, 256);
    storable(found, "owner", request.owner, 256);
  },

  getInstallation(request, found) {
    uuid(found, "installation_id", request.installationId);
  },

  revokeInstallation(request, found) {
    uuid(found, "installation_id", request.installationId);
    storable(found, "reason", request.reason, 1024);
  },

  createInstallLink(request, found) {
    storable(found, "platform", request.platform, 64, 1);
    storable(found, "owner", request.owner, 256);
    storable(found, "return_to", request.returnTo, 2048);
    durationBetween(found, "ttl", request.ttl, 0, daySeconds);
    maxItems(found, "scopes", request.scopes.length, 100);
    for (const [index, scope] of request.scopes.entries()) {
      const field = `scopes[${index}]`;
      textLength(found, field, scope, 1, 200);
      if (!scopeToken.test(scope)) found.push({ field, description: "must be one scope (RFC 6749 section 3.3)" });
    }
    if (request.installationId !== "") uuid(found, "installation_id", request.installationId);
  },

  completeInstall(request, found) {
    textLength(found, "completion_code", request.completionCode, 1, 256);
    storable(found, "owner", request.owner, 256, 1);
  },

  listAuditEvents(request, found) {
    if (request.installationId !== "") uuid(found, "installation_id", request.installationId);
    storable(found, "caller", request.caller, 256);
    validTime(found, "start_time", request.startTime);
    validTime(found, "end_time", request.endTime);
    if (request.pageSize < 0) found.push({ field: "page_size", description: "must not be negative" });
    textLength(found, "page_token", request.pageToken, 0, 1024);
    storable(found, "kind", request.kind, 64);
  },
};

const daySeconds = 86_400;
const scopeToken = /^[!#-[\]-~]+$/;

const yearSeconds = 31_536_000;
const permissionName = /^[a-z][a-z_]{0,99}$/;
const permissionLevels: readonly string[] = ["read", "write", "admin"];

type NarrowingFields = Pick<GithubNarrowing, "repositoryIds" | "repositories" | "permissions">;

function narrowing(found: Found, prefix: string, fields: NarrowingFields): void {
  const { repositoryIds, repositories } = fields;
  maxItems(found, `${prefix}repository_ids`, repositoryIds.length, 500);
  for (const [index, id] of repositoryIds.entries()) {
    if (id <= 0n) found.push({ field: `${prefix}repository_ids[${index}]`, description: "must be greater than 0" });
  }
  maxItems(found, `${prefix}repositories`, repositories.length, 500);
  for (const [index, name] of repositories.entries()) {
    const field = `${prefix}repositories[${index}]`;
    textLength(found, field, name, 1, 100);
    if (name.includes("/")) found.push({ field, description: "must be a name without its owner" });
  }
  if (repositoryIds.length > 0 && repositories.length > 0) {
    found.push({ field: `${prefix}repositories`, description: "give repository_ids or repositories, not both" });
  }
  permissions(found, `${prefix}permissions`, fields.permissions);
}

function permissions(found: Found, path: string, levels: Readonly<Record<string, string>>): void {
  const entries = Object.entries(levels);
  maxItems(found, path, entries.length, 100);
  for (const [name, level] of entries) {
    const field = `${path}[${JSON.stringify(name)}]`;
    if (!permissionName.test(name)) found.push({ field, description: "must be a permission such as contents" });
    if (!permissionLevels.includes(level)) found.push({ field, description: "must be read, write or admin" });
  }
}

function isNarrow({ repositoryIds, repositories, permissions }: NarrowingFields): boolean {
  return repositoryIds.length > 0 || repositories.length > 0 || Object.keys(permissions).length > 0;
}
