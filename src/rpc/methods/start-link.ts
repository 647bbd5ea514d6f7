import { timestampFromDate } from "@bufbuild/protobuf/wkt";
import type { StartLink } from "../../domain/links/start-link.ts";
import { given } from "../given.ts";
import type { Method } from "../method.ts";
import { storable } from "../rule-checks.ts";

export const startLink: Method<"startLink", StartLink> = {
  rules(request, found) {
    storable(found, "platform", request.platform, 64, 1);
    storable(found, "owner", request.owner, 256);
    storable(found, "client_name", request.clientName, 100);
  },

  run: (startLink) => async (request, call) => {
    const { platform, owner, clientName } = request;
    const started = await startLink({ platform, owner: given(owner), clientName: given(clientName) }, call);
    return {
      linkCode: started.code.reveal(),
      pollSecret: started.pollSecret.reveal(),
      verificationUrl: started.verificationUrl.href,
      verificationUrlComplete: started.verificationUrlComplete.reveal(),
      expireTime: timestampFromDate(started.expiresAt),
      interval: { seconds: BigInt(started.intervalSeconds), nanos: 0 },
    };
  },
};
