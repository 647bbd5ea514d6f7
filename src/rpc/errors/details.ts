import { create, type DescMessage, type Message, type MessageShape } from "@bufbuild/protobuf";
import { anyPack, durationFromMs } from "@bufbuild/protobuf/wkt";
import { BadRequestSchema, ErrorInfoSchema, RetryInfoSchema } from "../../../gen/google/rpc/error_details_pb.js";
import { type Status, StatusSchema } from "../../../gen/google/rpc/status_pb.js";
import type { Failure } from "./failure.ts";

/** The domain of every ErrorInfo. */
export const errorDomain = "oauth.token.v1";

export interface Detail<Desc extends DescMessage = DescMessage> {
  readonly desc: Desc;
  readonly value: MessageShape<Desc>;
}

/** Exactly one ErrorInfo for a refusal, RetryInfo where waiting helps, BadRequest for violations; nothing for a bug. */
export function toDetails(failure: Failure): readonly Detail[] {
  const { reason, retryAfterMs, violations } = failure;
  if (reason === undefined) return [];
  const details: Detail[] = [
    detail(ErrorInfoSchema, create(ErrorInfoSchema, { reason, domain: errorDomain, metadata: failure.metadata })),
  ];
  if (retryAfterMs !== undefined) {
    const retryDelay = durationFromMs(Math.ceil(retryAfterMs));
    details.push(detail(RetryInfoSchema, create(RetryInfoSchema, { retryDelay })));
  }
  if (violations.length > 0) {
    const fieldViolations = violations.map(({ field, description }) => ({ field, description }));
    details.push(detail(BadRequestSchema, create(BadRequestSchema, { fieldViolations })));
  }
  return details;
}

/** The failure as gRPC carries it in `grpc-status-details-bin`. */
export function toStatus(failure: Failure): Status {
  const details = toDetails(failure).map(({ desc, value }) => anyPack(desc, value));
  return create(StatusSchema, { code: failure.code, message: failure.message, details });
}

function detail<Desc extends DescMessage>(desc: Desc, value: MessageShape<Desc> & Message): Detail {
  return { desc, value };
}
