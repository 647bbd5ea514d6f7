import type { DescMethod, MessageInitShape, MessageShape } from "@bufbuild/protobuf";
import type { TokenService } from "../../gen/oauth/token/v1/token_service_pb.js";
import type { Call } from "../domain/call.ts";
import type { UseCases } from "../domain/use-cases.ts";
import { toGetTokenRequest, toGetTokenResponse } from "./get-token-messages.ts";
import { toInstallationMessage, toProviderRevocationMessage } from "./installation-messages.ts";
import { toInstallationFilter } from "./list-installations-messages.ts";
import { createPageTokens, pageSize, type Sealer } from "./page-tokens.ts";

/** One function per unary method of a service: an RPC without one does not compile. */
export type ProceduresOf<Methods extends Record<string, DescMethod>> = {
  readonly [Name in keyof Methods]: (
    request: MessageShape<Methods[Name]["input"]>,
    call: Call,
  ) => Promise<MessageInitShape<Methods[Name]["output"]>>;
};

type TokenServiceMethods = (typeof TokenService)["method"];

export type RpcName = keyof TokenServiceMethods;
export type RequestOf<Name extends RpcName> = MessageShape<TokenServiceMethods[Name]["input"]>;
export type ResponseOf<Name extends RpcName> = MessageInitShape<TokenServiceMethods[Name]["output"]>;

/** The RPCs, behind every door. Requests have passed the rules of the contract; refusals are thrown. */
export type Procedures = ProceduresOf<TokenServiceMethods>;

/** Translates request → use case → response, and nothing else. */
export function createProcedures(parts: { readonly useCases: UseCases; readonly sealer: Sealer }): Procedures {
  const { useCases } = parts;
  const pageTokens = createPageTokens(parts.sealer);

  return {
    async getToken(request, call) {
      return toGetTokenResponse(await useCases.getToken(toGetTokenRequest(request), call));
    },

    async listInstallations(request) {
      const filter = toInstallationFilter(request);
      const after = pageTokens.read(request.pageToken, filter);
      const page = await useCases.listInstallations(filter, { size: pageSize(request.pageSize), after });
      return {
        installations: page.installations.map(toInstallationMessage),
        nextPageToken: page.next === undefined ? "" : pageTokens.write(page.next, filter),
      };
    },

    async getInstallation(request) {
      return { installation: toInstallationMessage(await useCases.getInstallation(request.installationId)) };
    },

    async revokeInstallation(request) {
      const { installation, providerRevocation } = await useCases.revokeInstallation(
        request.installationId,
        request.reason,
      );
      return {
        installation: toInstallationMessage(installation),
        providerRevocation: toProviderRevocationMessage(providerRevocation),
      };
    },
  };
}
