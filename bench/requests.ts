import { create, fromBinary, type MessageInitShape, toBinary } from "@bufbuild/protobuf";
import {
  GetTokenRequestSchema,
  type GetTokenResponse,
  GetTokenResponseSchema,
  ListInstallationsRequestSchema,
  TokenService,
} from "../gen/oauth/token/v1/token_service_pb.js";

/** The empty method that a server of the benchmark has in addition. */
export const emptyPath = "/oauth.bench.v1.Empty/Call";

export const getTokenPath = `/${TokenService.typeName}/${TokenService.method.getToken.name}`;
export const listPath = `/${TokenService.typeName}/${TokenService.method.listInstallations.name}`;

export function getTokenRequest(installationId: string): Buffer {
  return Buffer.from(toBinary(GetTokenRequestSchema, create(GetTokenRequestSchema, { installationId })));
}

export function readGetTokenResponse(bytes: Uint8Array): GetTokenResponse {
  return fromBinary(GetTokenResponseSchema, bytes);
}

export function listRequest(fields: MessageInitShape<typeof ListInstallationsRequestSchema>): Buffer {
  return Buffer.from(toBinary(ListInstallationsRequestSchema, create(ListInstallationsRequestSchema, fields)));
}
