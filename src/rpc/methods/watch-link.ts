import { timestampFromDate } from "@bufbuild/protobuf/wkt";
import { LinkStatus } from "../../../gen/oauth/token/v1/token_service_pb.js";
import type { LinkPayload } from "../../domain/links/link-payload.ts";
import type { LinkStanding } from "../../domain/links/poll-link.ts";
import type { WatchLink } from "../../domain/links/watch-link.ts";
import { Secret } from "../../secret.ts";
import { toInstallationMessage } from "../installation-messages.ts";
import type { Method } from "../method.ts";
import type { ResponseOf } from "../rpc-names.ts";
import { textLength } from "../rule-checks.ts";

export const watchLink: Method<"watchLink", WatchLink> = {
  rules(request, found) {
    textLength(found, "link_code", request.linkCode, 1, 64);
    textLength(found, "poll_secret", request.pollSecret, 1, 256);
  },

  run: (watchLink) =>
    async function* ({ linkCode: code, pollSecret }, call, signal) {
      for await (const standing of watchLink({ code, pollSecret: new Secret(pollSecret) }, call, signal)) {
        yield toMessage(standing);
      }
    },
};

function toMessage(standing: LinkStanding): ResponseOf<"watchLink"> {
  switch (standing.kind) {
    case "pending":
      return { status: LinkStatus.PENDING };
    case "denied":
      return { status: LinkStatus.DENIED };
    case "gone":
      return { status: LinkStatus.EXPIRED };
    case "connected":
      return { status: LinkStatus.CONNECTED, ...toPayload(standing.payload) };
  }
}

/** The one place where what a link obtained leaves its wrappers for this answer. */
function toPayload(payload: LinkPayload): ResponseOf<"watchLink"> {
  const { tokenType, expiresAt, scopes, accountId, apiBaseUrl, installations, tokenId } = payload;
  return {
    ...{ tokenType, accountId, apiBaseUrl, tokenId },
    accessToken: payload.accessToken.reveal(),
    accountSecret: payload.accountSecret?.reveal() ?? "",
    ...(expiresAt === undefined ? {} : { expireTime: timestampFromDate(expiresAt) }),
    scopes: [...scopes],
    installations: installations.map(toInstallationMessage),
  };
}
