import { LRUCache } from "lru-cache";
import { invalidField, ServiceError } from "../../errors.ts";
import type { JsonAnswer, JsonCall, JsonCalls } from "../../rpc/json/json-calls.ts";
import { perObject } from "../../work/per-object.ts";
import type { WebHandler, WebRequest, WebResponse } from "../handler.ts";
import { readQuery } from "../query.ts";
import { restError } from "./rest-error.ts";
import { createParameters, type Parameters, type RestRequest } from "./rest-parameters.ts";

/** The RPCs behind these routes. */
export type RestCalls = Pick<JsonCalls, "getToken" | "listInstallations" | "revokeInstallation">;

/** `GET /oauth/token/{platform}`: GetToken. `org_id` is what older callers call `external_org_id`. */
export function tokenRoute(calls: RestCalls): WebHandler<{ platform: string }> {
  return restRoute(calls.getToken, rememberingRecent, (parameters, { platform }) => {
    const minTtlSeconds = parameters.count("min_ttl");
    return {
      platform,
      ...readInstallationIds(parameters),
      external_org_id: parameters.text("external_org_id", "org_id"),
      owner: parameters.text("owner"),
      actor: parameters.choice("actor", actors),
      external_user_id: parameters.text("external_user_id"),
      min_ttl: minTtlSeconds === undefined ? undefined : `${minTtlSeconds}s`,
      rejected_token_id: parameters.text("rejected_token_id"),
      repositories: parameters.list("repositories"),
      repository_ids: readIds(parameters),
      permissions: parameters.map("permissions"),
    };
  });
}

/** `GET /oauth/installations`: ListInstallations, active ones unless another status is named. */
export function installationsRoute(calls: RestCalls): WebHandler {
  return restRoute(calls.listInstallations, always, (parameters) => ({
    page_size: parameters.count("page_size"),
    page_token: parameters.text("page_token"),
    platform: parameters.text("platform"),
    status: parameters.choice("status", statuses) ?? "INSTALLATION_STATUS_ACTIVE",
    external_org_id: parameters.text("external_org_id", "org_id"),
    external_install_id: parameters.text("external_install_id"),
    owner: parameters.text("owner"),
    search: parameters.text("search"),
  }));
}

/** `DELETE /oauth/installations/{id}`: RevokeInstallation. */
export function revokeRoute(calls: RestCalls): WebHandler<{ id: string }> {
  const revoke: JsonCall = async (request, context) => {
    const answer = await calls.revokeInstallation(request, context);
    return answer.status === 200 ? { ...answer, body: { success: true, ...answer.body } } : answer;
  };
  return restRoute(revoke, always, (parameters, { id }) => ({
    installation_id: id,
    reason: parameters.text("reason"),
  }));
}

/** Ours are UUIDs. The earlier service took GitHub's own, which are numbers, under the same name. */
function readInstallationIds(parameters: Parameters): RestRequest {
  const id = parameters.text("installation_id");
  const isGithubs = /^\d+$/.test(id ?? "");
  const external = parameters.text("external_install_id", ...(isGithubs ? ["installation_id"] : []));
  return withoutAbsent({ installation_id: isGithubs ? undefined : id, external_install_id: external });
}

function readIds(parameters: Parameters): string[] | undefined {
  const ids = parameters.list("repository_ids");
  if (ids?.every((id) => /^\d{1,18}$/.test(id)) === false) {
    throw invalidField("repository_ids", "must be whole numbers, comma separated");
  }
  return ids;
}

/** Reads what is asked for. @throws ServiceError INVALID_REQUEST. */
type ReadRequest<P> = (request: Pick<WebRequest<P>, "originalUrl" | "params">) => RestRequest;

/** Longer URLs are of narrowed tokens, which are seldom the same. */
const maxUrl = 512;
const maxRequests = 2_000;

/** The same reader, which knows again what it read lately: callers send the same URL for every token. */
function rememberingRecent<P>(read: ReadRequest<P>): ReadRequest<P> {
  const recent = new LRUCache<string, RestRequest>({ max: maxRequests });
  return (request) => {
    const { originalUrl } = request;
    if (originalUrl.length > maxUrl) return read(request);
    const known = recent.get(originalUrl);
    if (known !== undefined) return known;
    const message = read(request);
    recent.set(originalUrl, message);
    return message;
  };
}

function always<P>(read: ReadRequest<P>): ReadRequest<P> {
  return read;
}

/** A token that is handed out again has been written before. */
const toBytes = perObject((body: JsonAnswer["body"]) => Buffer.from(JSON.stringify(body)));

function restRoute<P>(
  call: JsonCall,
  remembering: (read: ReadRequest<P>) => ReadRequest<P>,
  toRequest: (parameters: Parameters, path: P) => Record<string, RestRequest[string] | undefined>,
): WebHandler<P> {
  const read = remembering((request) => {
    const query = readQuery(request);
    if (query === undefined) throw invalidField("query", "must be percent-encoded UTF-8");
    const parameters = createParameters(query);
    const message = withoutAbsent(toRequest(parameters, request.params));
    parameters.refuseOthers();
    return message;
  });

  return (request, response) => {
    let message: RestRequest;
    try {
      message = read(request);
    } catch (error) {
      return refuse(response, error);
    }
    const answer = call(message, {
      address: response.locals.address,
      requestId: response.locals.requestId,
      traceparent: request.headers.traceparent?.toString(),
      authorization: request.headers.authorization,
      certificateNames: response.locals.certificateNames ?? [],
    });
    return answer instanceof Promise ? answer.then((settled) => send(response, settled)) : send(response, answer);
  };
}

/** As Express would; what it works out for every answer is known here. */
function send(response: WebResponse, { status, body, retryAfterSeconds }: JsonAnswer): void {
  if (retryAfterSeconds !== undefined) response.setHeader("Retry-After", retryAfterSeconds);
  const bytes = toBytes(body);
  response.statusCode = status;
  response.setHeader("Content-Type", "application/json; charset=utf-8");
  response.setHeader("Content-Length", bytes.length);
  response.end(bytes);
}

function refuse(response: WebResponse, error: unknown): void {
  if (!(error instanceof ServiceError) || error.reason !== "INVALID_REQUEST") throw error;
  const { reason, message, violations } = error;
  restError(response, 400, { code: "INVALID_ARGUMENT", reason, message, violations });
}

function withoutAbsent(fields: Record<string, RestRequest[string] | undefined>): RestRequest {
  const given: RestRequest = {};
  for (const [name, value] of Object.entries(fields)) if (value !== undefined) given[name] = value;
  return given;
}

const actors = { prefix: "ACTOR_", names: ["APP", "USER"] };

const statuses = {
  prefix: "INSTALLATION_STATUS_",
  names: ["PENDING", "ACTIVE", "SUSPENDED", "REAUTHORIZATION_REQUIRED", "REVOKED"],
};
