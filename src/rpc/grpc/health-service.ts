import { create } from "@bufbuild/protobuf";
import { type handleServerStreamingCall, type handleUnaryCall, type Server, status } from "@grpc/grpc-js";
import {
  HealthCheckResponse_ServingStatus as Code,
  Health,
  type HealthCheckRequest,
  type HealthCheckResponse,
  HealthCheckResponseSchema,
  type HealthListRequest,
  type HealthListResponse,
  HealthListResponseSchema,
} from "../../../gen/grpc/health/v1/health_pb.js";
import { TokenService } from "../../../gen/oauth/token/v1/token_service_pb.js";
import { addMethod } from "./codec.ts";
import type { HealthStatus, ServingStatus } from "./health-status.ts";
import type { OpenStreams } from "./open-streams.ts";

/** The whole server and the one service: they are well together or not at all. */
const services: readonly string[] = ["", TokenService.typeName];

/** What is watched is kept as long as the watch: it has an end. */
const serviceName = /^[\w.]{0,256}$/;

const codes: Record<ServingStatus, Code> = { SERVING: Code.SERVING, NOT_SERVING: Code.NOT_SERVING };

/** grpc.health.v1.Health, as the gRPC health checking protocol describes it. */
export function addHealthService(server: Server, health: HealthStatus, streams: OpenStreams): void {
  const check: handleUnaryCall<HealthCheckRequest, HealthCheckResponse> = (call, callback) => {
    if (services.includes(call.request.service)) callback(null, response(codes[health.current]));
    else callback({ code: status.NOT_FOUND, details: "unknown service" });
  };

  const watch: handleServerStreamingCall<HealthCheckRequest, HealthCheckResponse> = (call) => {
    const { service } = call.request;
    if (!serviceName.test(service)) {
      call.emit("error", { code: status.INVALID_ARGUMENT, details: "this is no name of a service" });
      return;
    }
    if (!services.includes(service)) {
      // Stays open: a service may become known later.
      if (streams.add(call)) call.write(response(Code.SERVICE_UNKNOWN));
      return;
    }
    const told = health.subscribe((current) => void call.write(response(codes[current])));
    if (streams.add(call, told)) call.write(response(codes[health.current]));
    else told();
  };

  const list: handleUnaryCall<HealthListRequest, HealthListResponse> = (_call, callback) => {
    const current = response(codes[health.current]);
    const statuses = Object.fromEntries(services.map((service) => [service, current]));
    callback(null, create(HealthListResponseSchema, { statuses }));
  };

  addMethod(server, Health.method.check, check);
  addMethod(server, Health.method.watch, watch);
  addMethod(server, Health.method.list, list);
}

function response(code: Code): HealthCheckResponse {
  return create(HealthCheckResponseSchema, { status: code });
}
