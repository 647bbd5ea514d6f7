import { invalidField, ServiceError } from "../../errors.ts";
import type { JsonCall, JsonCalls } from "../../rpc/json/json-calls.ts";
import type { WebHandler, WebResponse } from "../handler.ts";
import { readQuery } from "../query.ts";
import { restError } from "./rest-error.ts";
import { createParameters, type Parameters, type RestRequest } from "./rest-parameters.ts";

/** The RPCs behind these routes. */
export type RestCalls = Pick<JsonCalls, "getToken" | "listInstallations" | "revokeInstallation">;

/** `GET /oauth/token/{platform}`: GetToken. `org_id` is what older callers call `external_org_id`. */
export function tokenRoute(calls: RestCalls): WebHandler<{ platform: string }> {
  return restRoute(calls.getToken, (parameters, { platform }) => {
    const minTtlSeconds = parameters.count("min_ttl");
    return {
      platform,
      installation_id: parameters.text("installation_id"),
      external_org_id: parameters.text("external_org_id", "org_id"),
      external_install_id: parameters.text("external_install_id"),
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
  return restRoute(calls.listInstallations, (parameters) => ({
    page_size: parameters.count("page_size"),
    page_token: parameters.text("page_token"),
    platform: parameters.text("platform"),
    status: parameters.choice("status", statuses) ?? "INSTALLATION_STATUS_ACTIVE",
    external_org_id: parameters.text("external_org_id", "org_id"),
    external_install_id: parameters.text("external_install_id"),
    owner: parameters.text("owner"),
  }));
}

/** `DELETE /oauth/installations/{id}`: RevokeInstallation. */
export function revokeRoute(calls: RestCalls): WebHandler<{ id: string }> {
  const revoke: JsonCall = async (request, context) => {
    const answer = await calls.revokeInstallation(request, context);
    return answer.status === 200 ? { ...answer, body: { success: true, ...answer.body } } : answer;
  };
  return restRoute(revoke, (parameters, { id }) => ({ installation_id: id, reason: parameters.text("reason") }));
}

function readIds(parameters: Parameters): string[] | undefined {
  const ids = parameters.list("repository_ids");
  if (ids?.every((id) => /^\d{1,18}$/.test(id)) === false) {
    throw invalidField("repository_ids", "must be whole numbers, comma separated");
  }
  return ids;
}

function restRoute<P>(
  call: JsonCall,
  toRequest: (parameters: Parameters, path: P) => Record<string, RestRequest[string] | undefined>,
): WebHandler<P> {
  return async (request, response) => {
    let message: RestRequest;
    try {
      const query = readQuery(request);
      if (query === undefined) throw invalidField("query", "must be percent-encoded UTF-8");
      const parameters = createParameters(query);
      message = withoutAbsent(toRequest(parameters, request.params));
      parameters.refuseOthers();
    } catch (error) {
      return refuse(response, error);
    }
    const { requestId } = response.locals;
    const answer = await call(message, {
      address: response.locals.address,
      requestId,
      traceparent: request.get("traceparent"),
      authorization: request.get("authorization"),
      certificateNames: response.locals.certificateNames ?? [],
    });
    if (answer.retryAfterSeconds !== undefined) response.setHeader("Retry-After", answer.retryAfterSeconds);
    response.status(answer.status).json(answer.body);
  };
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
