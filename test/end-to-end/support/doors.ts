import { createClient } from "@connectrpc/connect";
import { createGrpcWebTransport } from "@connectrpc/connect-node";
import { TokenService } from "../../../gen/oauth/token/v1/token_service_pb.js";
import { bufCurl } from "../../support/buf-curl.ts";
import type { Replica } from "../../support/service.ts";

/** What every door says of a token, in one spelling. */
export interface Handed {
  readonly accessToken: string;
  readonly tokenId: string;
  readonly installationId: string;
  readonly externalOrgId: string;
  readonly apiBaseUrl: string;
}

export interface PlainRequest {
  readonly platform: string;
  readonly installation_id: string;
  readonly actor?: "ACTOR_USER";
}

const path = "/oauth.token.v1.TokenService/GetToken";

/** GetToken through every door but grpc-js: buf curl by reflection, Connect JSON, gRPC-Web, REST. */
export async function throughOtherDoors(replica: Replica, request: PlainRequest): Promise<Record<string, Handed>> {
  const [bufCurled, connectJson, grpcWeb, rest] = await Promise.all([
    bufCurl(replica.app.ports.grpc, "--data", JSON.stringify(request), path).then(({ stdout }) => JSON.parse(stdout)),
    json<Handed>(`${replica.internalUrl}${path}`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify(request),
    }),
    overGrpcWeb(replica, request),
    overRest(replica, request),
  ]);
  const of = ({ accessToken, tokenId, installationId, externalOrgId, apiBaseUrl }: Handed): Handed => ({
    accessToken,
    tokenId,
    installationId,
    externalOrgId,
    apiBaseUrl,
  });
  return { bufCurl: of(bufCurled), connectJson: of(connectJson), grpcWeb: of(grpcWeb), rest };
}

function overGrpcWeb({ internalUrl }: Replica, { installation_id: installationId, platform, actor }: PlainRequest) {
  const client = createClient(TokenService, createGrpcWebTransport({ baseUrl: internalUrl, httpVersion: "1.1" }));
  return client.getToken({ platform, installationId, actor: actor === "ACTOR_USER" ? 2 : 0 });
}

async function overRest({ internalUrl }: Replica, { platform, ...rest }: PlainRequest): Promise<Handed> {
  const answer = await json<Record<string, unknown>>(
    `${internalUrl}/oauth/token/${platform}?${new URLSearchParams(rest)}`,
  );
  return {
    accessToken: String(answer.access_token),
    tokenId: String(answer.token_id),
    installationId: String(answer.installation_id),
    externalOrgId: String(answer.external_org_id),
    apiBaseUrl: String(answer.api_base_url),
  };
}

async function json<T>(url: string, init?: RequestInit): Promise<T> {
  const response = await fetch(url, init);
  if (response.status !== 200) throw new Error(`${url} answered ${response.status}: ${await response.text()}`);
  return (await response.json()) as T;
}
