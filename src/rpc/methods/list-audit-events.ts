import { create } from "@bufbuild/protobuf";
import { type Timestamp, timestampFromDate, timestampMs } from "@bufbuild/protobuf/wkt";
import {
  AuditEventSchema,
  type AuditEvent as EventMessage,
  type ListAuditEventsRequest,
} from "../../../gen/oauth/token/v1/token_service_pb.js";
import type { AuditFilter, RecordedEvent } from "../../domain/record/list-events.ts";
import { given } from "../given.ts";

/** What a part of the record is restricted to: what is empty restricts nothing. */
export function toAuditFilter(request: ListAuditEventsRequest): AuditFilter {
  return {
    installationId: given(request.installationId),
    caller: given(request.caller),
    kind: given(request.kind),
    from: toDate(request.startTime),
    until: toDate(request.endTime),
  };
}

/** One event as callers see it. */
export function toAuditEventMessage(event: RecordedEvent): EventMessage {
  return create(AuditEventSchema, {
    id: event.id,
    time: timestampFromDate(event.at),
    kind: event.kind,
    caller: event.caller,
    method: event.method,
    installationId: event.installationId ?? "",
    owner: event.owner ?? "",
    platform: event.platform ?? "",
    tokenId: event.tokenFingerprint ?? "",
    address: event.address ?? "",
    requestId: event.requestId ?? "",
    policyHash: event.policyHash ?? "",
    detail: event.detail ?? "",
    count: event.count,
  });
}

/** The record keeps milliseconds: a bound between two of them means the later one. */
function toDate(time: Timestamp | undefined): Date | undefined {
  return time === undefined ? undefined : new Date(Math.ceil(timestampMs(time)));
}
