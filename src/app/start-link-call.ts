import type { Authenticate } from "../domain/access/caller.ts";
import type { StartLink } from "../domain/links/start-link.ts";
import { invalidField } from "../errors.ts";
import { httpStatuses } from "../rpc/errors/codes.ts";
import { type Failure, toFailure } from "../rpc/errors/failure.ts";
import { createReceiveCall, identified } from "../rpc/incoming-calls.ts";
import type { JsonAnswer, JsonCall } from "../rpc/json/json-calls.ts";
import type { Redact } from "../secret-shapes.ts";

/** StartLink for plain HTTP, until it is an RPC. */
export function createStartLinkCall(parts: {
  readonly startLink: StartLink;
  readonly authenticate: Authenticate;
  readonly random: (bytes: number) => Buffer;
  readonly redact: Redact;
}): JsonCall {
  const { startLink, authenticate, redact } = parts;
  const receive = createReceiveCall(parts.random);

  return async (request, context) => {
    try {
      const caller = await authenticate(context);
      const call = identified(receive("StartLink", { timeoutMs: undefined, ...context }), caller);
      const asked = { platform: text("platform"), owner: text("owner"), clientName: text("client_name") };
      const started = await startLink({ ...asked, platform: asked.platform ?? "" }, call);
      const body = {
        link_code: started.code.reveal(),
        poll_secret: started.pollSecret.reveal(),
        verification_url: started.verificationUrl.href,
        verification_url_complete: started.verificationUrlComplete.reveal(),
        expire_time: started.expiresAt.toISOString(),
      };
      return { status: 200, body, retryAfterSeconds: undefined };
    } catch (error) {
      return refused(toFailure(error, redact));
    }

    function text(field: string): string | undefined {
      const value = request[field];
      if (value === undefined || value === "") return undefined;
      if (typeof value === "string" && value.length <= 256 && value.isWellFormed() && !value.includes("\0"))
        return value;
      throw invalidField(field, "must be a text of at most 256 characters");
    }
  };
}

function refused({ code, reason, message, metadata, retryAfterMs }: Failure): JsonAnswer {
  const error = { reason: reason ?? "", message, metadata: { ...metadata } };
  const retryAfterSeconds = retryAfterMs === undefined ? undefined : Math.ceil(retryAfterMs / 1000);
  return { status: httpStatuses[code], body: { error }, retryAfterSeconds };
}
