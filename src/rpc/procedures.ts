import type { DescMethod, MessageInitShape, MessageShape } from "@bufbuild/protobuf";
import { timestampFromDate } from "@bufbuild/protobuf/wkt";
import type { Call } from "../domain/model/call.ts";
import type { UseCases } from "../domain/use-cases.ts";
import { Secret } from "../secret.ts";
import { perObject } from "../work/per-object.ts";
import { toInstallationMessage, toProviderRevocationMessage } from "./installation-messages.ts";
import { toInstallLinkRequest } from "./methods/create-install-link.ts";
import { toGetTokenRequest, toGetTokenResponse } from "./methods/get-token.ts";
import { toAuditEventMessage, toAuditFilter } from "./methods/list-audit-events.ts";
import { toInstallationFilter } from "./methods/list-installations.ts";
import { createPageTokens, pageSize, type Sealer } from "./page-tokens.ts";
import type { TokenServiceMethods } from "./rpc-names.ts";

/**
 * One function per unary method of a service: an RPC without one does not compile. Answers at once where nothing has to
 * be waited for.
 */
export type ProceduresOf<Methods extends Record<string, DescMethod>> = {
  readonly [Name in keyof Methods]: (
    request: MessageShape<Methods[Name]["input"]>,
    call: Call,
  ) => MessageInitShape<Methods[Name]["output"]> | Promise<MessageInitShape<Methods[Name]["output"]>>;
};

/** The RPCs, behind every door. Requests have passed the rules of the contract; refusals are thrown. */
export type Procedures = ProceduresOf<TokenServiceMethods>;

/**
 * Translates request → use case → response, and nothing else. Requests that a door remembers, and tokens that come
 * again, are translated once.
 */
export function createProcedures(parts: { readonly useCases: UseCases; readonly sealer: Sealer }): Procedures {
  const { useCases } = parts;
  const pageTokens = createPageTokens(parts.sealer);
  const tokenRequest = perObject(toGetTokenRequest);
  const tokenResponse = perObject(toGetTokenResponse);

  return {
    getToken(request, call) {
      const issued = useCases.getToken(tokenRequest(request), call);
      return issued instanceof Promise ? issued.then(tokenResponse) : tokenResponse(issued);
    },

    async listInstallations(request, call) {
      const filter = toInstallationFilter(request);
      const { platform, status, externalOrgId, externalInstallId, owner } = filter;
      const list = ["installations", call.caller, platform, status, externalOrgId, externalInstallId, owner];
      const after = pageTokens.read(request.pageToken, list);
      const page = await useCases.listInstallations(filter, { size: pageSize(request.pageSize), after }, call);
      return {
        installations: page.installations.map(toInstallationMessage),
        nextPageToken: page.next === undefined ? "" : pageTokens.write(page.next, list),
      };
    },

    async getInstallation(request, call) {
      return { installation: toInstallationMessage(await useCases.getInstallation(request.installationId, call)) };
    },

    async revokeInstallation(request, call) {
      const { installationId, reason } = request;
      const { installation, providerRevocation } = await useCases.revokeInstallation(installationId, reason, call);
      return {
        installation: toInstallationMessage(installation),
        providerRevocation: toProviderRevocationMessage(providerRevocation),
      };
    },

    async createInstallLink(request, call) {
      const { url, expiresAt } = await useCases.createInstallLink(toInstallLinkRequest(request), call);
      return { url: url.reveal(), expireTime: timestampFromDate(expiresAt) };
    },

    async completeInstall(request, call) {
      const code = new Secret(request.completionCode);
      const installations = await useCases.completeInstall(code, request.owner, call);
      return { installations: installations.map(toInstallationMessage) };
    },

    async listAuditEvents(request, call) {
      const filter = toAuditFilter(request);
      const { installationId, caller, kind, from, until } = filter;
      const list = ["audit", call.caller, installationId, caller, kind, from?.getTime(), until?.getTime()];
      const after = pageTokens.read(request.pageToken, list);
      const page = await useCases.listAuditEvents(filter, { size: pageSize(request.pageSize), after }, call);
      return {
        events: page.events.map(toAuditEventMessage),
        nextPageToken: page.next === undefined ? "" : pageTokens.write(page.next, list),
      };
    },
  };
}
