import { create } from "@bufbuild/protobuf";
import { type Timestamp, timestampFromDate, timestampMs } from "@bufbuild/protobuf/wkt";
import {
  AuditEventSchema,
  type AuditEvent as EventMessage,
  type ListAuditEventsRequest,
} from "../../../gen/oauth/token/v1/token_service_pb.js";
import type { AuditFilter, ListAuditEvents, RecordedEvent } from "../../domain/record/list-events.ts";
import { given } from "../given.ts";
import type { Method } from "../method.ts";
import { pageSize } from "../page-tokens.ts";
import { pageAsked, storable, uuid, validTime } from "../rule-checks.ts";

export const listAuditEvents: Method<"listAuditEvents", ListAuditEvents> = {
  rules(request, found) {
    if (request.installationId !== "") uuid(found, "installation_id", request.installationId);
    storable(found, "caller", request.caller, 256);
    validTime(found, "start_time", request.startTime);
    validTime(found, "end_time", request.endTime);
    pageAsked(found, request);
    storable(found, "kind", request.kind, 64);
  },

  run: (listAuditEvents, pageTokens) => async (request, call) => {
    const filter = toAuditFilter(request);
    const { installationId, caller, kind, from, until } = filter;
    const list = ["audit", call.caller, installationId, caller, kind, from?.getTime(), until?.getTime()];
    const after = pageTokens.read(request.pageToken, list);
    const page = await listAuditEvents(filter, { size: pageSize(request.pageSize), after }, call);
    return { events: page.events.map(toAuditEventMessage), nextPageToken: pageTokens.write(page.next, list) };
  },
};

/** What is empty restricts nothing. */
function toAuditFilter(request: ListAuditEventsRequest): AuditFilter {
  return {
    installationId: given(request.installationId),
    caller: given(request.caller),
    kind: given(request.kind),
    from: toDate(request.startTime),
    until: toDate(request.endTime),
  };
}

/** One event as callers see it. */
function toAuditEventMessage(event: RecordedEvent): EventMessage {
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
