import { toBinary } from "@bufbuild/protobuf";
import { Metadata, type ServerErrorResponse } from "@grpc/grpc-js";
import { StatusSchema } from "../../../gen/google/rpc/status_pb.js";
import { toStatus } from "../errors/details.ts";
import type { Failure } from "../errors/failure.ts";
import { asBuffer } from "./codec.ts";

/** A failure as grpc-js sends it, its details in `grpc-status-details-bin`. */
export function toServerError(failure: Failure): Partial<ServerErrorResponse> {
  const metadata = new Metadata();
  const status = toStatus(failure);
  if (status.details.length > 0) metadata.set("grpc-status-details-bin", asBuffer(toBinary(StatusSchema, status)));
  return { code: Number(failure.code), details: failure.message, metadata };
}
