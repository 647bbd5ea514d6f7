import type { ReceiveDelivery, Reception } from "../../domain/deliveries/receive-delivery.ts";
import type { Platform } from "../../domain/model/platform.ts";
import type { Platforms } from "../../domain/model/platforms.ts";
import { ServiceError } from "../../errors.ts";
import type { WebHandler, WebRequest, WebResponse } from "../handler.ts";
import type { RawBody, ReadRawBody } from "../raw-bodies.ts";

/**
 * `POST /webhooks/{platform}`: whatever a platform tells, answered as soon as it is kept. Answers are for machines: a
 * status, and a word for who reads the platform's list of deliveries.
 */
export function webhookRoute(parts: {
  readonly platforms: Platforms;
  readonly receiveDelivery: ReceiveDelivery;
  readonly readBody: ReadRawBody;
  readonly now: () => Date;
}): WebHandler<{ platform: string }> {
  const { platforms, receiveDelivery, readBody, now } = parts;

  return async (request, response) => {
    const platform = platforms.byName(request.params.platform);
    if (platform?.webhooks === undefined) return refuse(response, 404, "platform_unknown");
    const read = await readBody(request, platform.webhooks.maxBytes);
    if (read.kind !== "body") return refuseBody(response, read.kind);
    try {
      answer(response, await receive(platform, request, read.body));
    } finally {
      read.release();
    }
  };

  async function receive(
    platform: Platform,
    request: WebRequest<{ platform: string }>,
    body: Buffer,
  ): Promise<Reception | "not_kept"> {
    try {
      return await receiveDelivery(platform, { header: (name) => headerOf(request, name), body, receivedAt: now() });
    } catch (error) {
      if (error instanceof ServiceError && error.reason === "SERVICE_UNAVAILABLE") return "not_kept";
      throw error;
    }
  }
}

/** Several of one name are as good as none: who reads the first and who reads the last would not agree. */
function headerOf({ headersDistinct }: WebRequest<{ platform: string }>, name: string): string | undefined {
  const values = headersDistinct[name.toLowerCase()];
  return values?.length === 1 ? values[0] : undefined;
}

function answer(response: WebResponse, reception: Reception | "not_kept"): void {
  if (reception === "not_kept") {
    unavailable(response, "not_kept");
    return;
  }
  switch (reception.kind) {
    case "accepted":
      response.json({ status: "ok" });
      break;
    case "challenge":
      response.type("text/plain").send(reception.answer);
      break;
    case "refused":
      refuse(response, 401, reception.code);
      break;
  }
}

function refuseBody(response: WebResponse, kind: Exclude<RawBody["kind"], "body">): void {
  response.setHeader("Connection", "close");
  switch (kind) {
    case "too_large":
      refuse(response, 413, "body_too_large");
      break;
    case "no_room":
      unavailable(response, "busy");
      break;
    case "cut_off":
      response.destroy();
      break;
  }
}

/** The platform sends it again, or somebody has it sent again: nothing was kept. */
function unavailable(response: WebResponse, code: string): void {
  response.setHeader("Retry-After", "5");
  refuse(response, 503, code);
}

function refuse(response: WebResponse, status: number, code: string): void {
  response.locals.failure = code;
  response.status(status).json({ success: false, error: { code } });
}
