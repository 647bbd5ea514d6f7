import type { Request } from "express";
import { basicCredentials } from "../http/authorization-header.ts";
import { secretEquals } from "../secret-equals.ts";
import type { SlackRegistration } from "./registration.ts";

/** What is wrong with the client's id and secret, sent by HTTP Basic or as fields. */
export function clientProblem(
  request: Request,
  fields: Readonly<Record<string, string>>,
  registration: SlackRegistration,
): "invalid_client_id" | "bad_client_secret" | undefined {
  const basic = basicCredentials(request);
  if ((basic?.name ?? fields.client_id) !== registration.clientId) return "invalid_client_id";
  return secretEquals(basic?.password ?? fields.client_secret, registration.clientSecret)
    ? undefined
    : "bad_client_secret";
}
