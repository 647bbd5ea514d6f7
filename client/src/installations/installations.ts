import { durationFromMs, timestampDate } from "@bufbuild/protobuf/wkt";
import { InstallationStatus, InstallationStatusSchema } from "../../../gen/oauth/token/v1/installation_pb.js";
import { ProviderRevocationSchema, TokenService } from "../../../gen/oauth/token/v1/token_service_pb.js";
import type { CallOptions } from "../call-options.ts";
import type { Calls } from "../calls/calls.ts";
import type { Installation, InstallationFilter, InstallationsClient, ProviderRevocation } from "../installation.ts";
import type { Log } from "../token-client.ts";
import { toMs } from "../tokens/request.ts";
import type { Tokens } from "../tokens/tokens.ts";
import { nameOf, numberOf, plainInstallation } from "./plain.ts";
import { watchInstallations } from "./watch.ts";

const { listInstallations, createInstallLink, completeInstall, revokeInstallation } = TokenService.method;

export function createInstallations(calls: Calls, tokens: Tokens, log: Log): InstallationsClient {
  async function* pages(filter: InstallationFilter, options?: CallOptions): AsyncGenerator<Installation, undefined> {
    const { status, ...rest } = filter;
    const asked = { ...rest, ...(status === undefined ? {} : { status: numberOf(InstallationStatusSchema, status) }) };
    let pageToken = "";
    do {
      const { message } = await calls.unary(listInstallations, { ...asked, pageToken }, options);
      for (const installation of message.installations) yield plainInstallation(installation);
      pageToken = message.nextPageToken;
    } while (pageToken !== "");
  }

  return {
    async isConnected(platform, owner, options) {
      const asked = {
        platform,
        status: InstallationStatus.ACTIVE,
        pageSize: 1,
        ...(owner === undefined ? {} : { owner }),
      };
      const { message } = await calls.unary(listInstallations, asked, options);
      return message.installations.length > 0;
    },
    installations: (filter = {}, options) => pages({ ...filter }, options),
    watch: (filter = {}, options) => watchInstallations(calls, filter, options, log),
    async createInstallLink({ ttl, scopes, ...request }, options) {
      const asked = {
        ...request,
        ...(scopes === undefined ? {} : { scopes: [...scopes] }),
        ...(ttl === undefined ? {} : { ttl: durationFromMs(toMs(ttl)) }),
      };
      const { message } = await calls.unary(createInstallLink, asked, options);
      const { url, expireTime } = message;
      return { url, ...(expireTime === undefined ? {} : { expireTime: timestampDate(expireTime) }) };
    },
    async completeInstall(request, options) {
      // The code is spent, whether its answer arrives or not.
      const { message } = await calls.unary(completeInstall, { ...request }, { ...options, tries: 1 });
      return { installations: message.installations.map(plainInstallation) };
    },
    async revoke(given, options) {
      const request = typeof given === "string" ? { installationId: given } : { ...given };
      tokens.forget(request.installationId);
      const { message } = await calls.unary(revokeInstallation, request, options);
      tokens.forget(request.installationId);
      const { installation, providerRevocation } = message;
      if (installation === undefined) throw new TypeError("the service named no installation");
      return {
        installation: plainInstallation(installation),
        providerRevocation: nameOf(ProviderRevocationSchema, providerRevocation) as ProviderRevocation,
      };
    },
  };
}
