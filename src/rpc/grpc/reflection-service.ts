import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { type handleBidiStreamingCall, type Server, status } from "@grpc/grpc-js";
import { file_google_rpc_error_details } from "../../../gen/google/rpc/error_details_pb.js";
import { file_google_rpc_status } from "../../../gen/google/rpc/status_pb.js";
import { file_grpc_health_v1_health, Health } from "../../../gen/grpc/health/v1/health_pb.js";
import {
  file_grpc_reflection_v1_reflection,
  ServerReflection,
  type ServerReflectionRequest,
  type ServerReflectionResponse,
  ServerReflectionResponseSchema,
} from "../../../gen/grpc/reflection/v1/reflection_pb.js";
import {
  file_grpc_reflection_v1alpha_reflection,
  ServerReflection as ServerReflectionV1Alpha,
} from "../../../gen/grpc/reflection/v1alpha/reflection_pb.js";
import { file_oauth_token_v1_error_reason } from "../../../gen/oauth/token/v1/error_reason_pb.js";
import { file_oauth_token_v1_token_service, TokenService } from "../../../gen/oauth/token/v1/token_service_pb.js";
import { addMethod, methodPath } from "./codec.ts";
import { createDescriptors } from "./descriptors.ts";
import type { OpenStreams } from "./open-streams.ts";

type Answer = NonNullable<MessageInitShape<typeof ServerReflectionResponseSchema>["messageResponse"]>;

/** Server reflection v1 and v1alpha over the descriptors of what this server speaks; error details included. */
export function addReflectionService(server: Server, streams: OpenStreams): void {
  const handler: handleBidiStreamingCall<ServerReflectionRequest, ServerReflectionResponse> = (call) => {
    if (!streams.add(call)) return;
    call.on("data", (request: ServerReflectionRequest) => {
      if (call.write(respond(request))) return;
      // No further questions until this client reads its answers.
      call.pause();
      call.once("drain", () => call.resume());
    });
    call.on("end", () => call.end());
  };
  const { serverReflectionInfo } = ServerReflection.method;
  addMethod(server, serverReflectionInfo, handler);
  // The messages of v1alpha are the same on the wire.
  addMethod(server, serverReflectionInfo, handler, methodPath(ServerReflectionV1Alpha.method.serverReflectionInfo));
}

/** What the gRPC listener serves. */
export const services = [TokenService, Health, ServerReflection, ServerReflectionV1Alpha] as const;

const descriptors = createDescriptors([
  file_oauth_token_v1_token_service,
  file_oauth_token_v1_error_reason,
  file_google_rpc_status,
  file_google_rpc_error_details,
  file_grpc_health_v1_health,
  file_grpc_reflection_v1_reflection,
  file_grpc_reflection_v1alpha_reflection,
]);

function respond(request: ServerReflectionRequest): ServerReflectionResponse {
  return create(ServerReflectionResponseSchema, {
    validHost: request.host,
    originalRequest: request,
    messageResponse: answer(request.messageRequest),
  });
}

function answer(question: ServerReflectionRequest["messageRequest"]): Answer {
  switch (question.case) {
    case "fileByFilename":
      return files(descriptors.fileByName(question.value));
    case "fileContainingSymbol":
      return files(descriptors.fileBySymbol(question.value));
    case "fileContainingExtension":
      return files(descriptors.fileByExtension(question.value.containingType, question.value.extensionNumber));
    case "allExtensionNumbersOfType": {
      const extensionNumber = descriptors.extensionNumbers(question.value);
      if (extensionNumber === undefined) return notFound;
      const value = { baseTypeName: question.value, extensionNumber: [...extensionNumber] };
      return { case: "allExtensionNumbersResponse", value };
    }
    case "listServices":
      return { case: "listServicesResponse", value: { service: services.map(({ typeName }) => ({ name: typeName })) } };
    case undefined:
      return error(status.INVALID_ARGUMENT, "the request asks nothing");
  }
}

function files(found: readonly Uint8Array[] | undefined): Answer {
  if (found === undefined) return notFound;
  return { case: "fileDescriptorResponse", value: { fileDescriptorProto: [...found] } };
}

function error(errorCode: status, errorMessage: string): Answer {
  return { case: "errorResponse", value: { errorCode, errorMessage } };
}

const notFound = error(status.NOT_FOUND, "not known here");
