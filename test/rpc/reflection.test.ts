import { fromBinary } from "@bufbuild/protobuf";
import { type FileDescriptorProto, FileDescriptorProtoSchema } from "@bufbuild/protobuf/wkt";
import { type Client, type ClientDuplexStream, status } from "@grpc/grpc-js";
import { describe, expect, test } from "vitest";
import { ErrorInfoSchema } from "../../gen/google/rpc/error_details_pb.js";
import { ServiceError } from "../../src/errors.ts";
import { bufCurl } from "../support/buf-curl.ts";
import type { Message } from "../support/grpc-client.ts";
import { installationId } from "./fake-use-cases.ts";
import { useGrpc } from "./grpc-server.ts";

const start = useGrpc();
const versions = ["grpc.reflection.v1.ServerReflection", "grpc.reflection.v1alpha.ServerReflection"];
const everyService = ["grpc.health.v1.Health", ...versions, "oauth.token.v1.TokenService"];

async function ask(client: Client, questions: readonly Message[]): Promise<Message[]> {
  const method = (client as unknown as Record<string, () => ClientDuplexStream<Message, Message>>).ServerReflectionInfo;
  const stream = method?.call(client);
  if (stream === undefined) throw new Error("no ServerReflectionInfo");
  for (const question of questions) stream.write(question);
  stream.end();
  const answers: Message[] = [];
  for await (const answer of stream as AsyncIterable<Message>) answers.push(answer);
  return answers;
}

function filesOf(answer: Message | undefined): FileDescriptorProto[] {
  const files = answer?.file_descriptor_response as { file_descriptor_proto: Buffer[] } | undefined;
  return (files?.file_descriptor_proto ?? []).map((bytes) => fromBinary(FileDescriptorProtoSchema, bytes));
}

describe("buf curl, which knows the service from reflection alone", () => {
  test("lists services and methods", async () => {
    const { listener } = await start();
    const services = await bufCurl(listener.port, "--list-services", "");
    expect(services.stdout.trim().split("\n").toSorted()).toEqual(everyService.toSorted());
    const methods = await bufCurl(listener.port, "--list-methods", "");
    expect(methods.stdout).toContain("oauth.token.v1.TokenService/GetToken\n");
  });

  test.each(["grpc-v1", "grpc-v1alpha"])("calls GetToken by way of %s", async (protocol) => {
    const { listener } = await start();
    const data = JSON.stringify({ platform: "github", github: { repositories: ["hello-world"] } });
    const flags = ["--reflect-protocol", protocol, "--data", data];
    const { stdout } = await bufCurl(listener.port, ...flags, "/oauth.token.v1.TokenService/GetToken");
    expect(JSON.parse(stdout)).toMatchObject({ accessToken: "ghs_the-token", installationId });
  });

  test("shows the details of a refusal", async () => {
    const { listener } = await start({
      getToken: async () => {
        throw new ServiceError("INSTALLATION_NOT_FOUND", "nothing matches", {
          metadata: { install_url: "https://x.test" },
        });
      },
    });
    const refused = bufCurl(listener.port, "--data", '{"platform":"github"}', "/oauth.token.v1.TokenService/GetToken");
    const { stderr } = await refused.then(
      () => ({ stderr: "" }),
      (error: { stderr: string }) => error,
    );
    const { code, details } = JSON.parse(stderr) as { code: string; details: { type: string; value: string }[] };
    expect(code).toBe("not_found");
    expect(details.map(({ type }) => type)).toEqual(["google.rpc.ErrorInfo"]);
    const info = fromBinary(ErrorInfoSchema, Buffer.from(details[0]?.value ?? "", "base64"));
    expect(info).toMatchObject({ reason: "INSTALLATION_NOT_FOUND", metadata: { install_url: "https://x.test" } });
  });
});

describe.each(versions)("%s", (version) => {
  test("lists the services", async () => {
    const { client } = await start();
    const [answer] = await ask(client(version), [{ host: "h", list_services: "*" }]);
    const listed = answer?.list_services_response as { service: { name: string }[] } | undefined;
    expect(listed?.service.map(({ name }) => name).toSorted()).toEqual(everyService.toSorted());
    expect(answer).toMatchObject({ valid_host: "h", original_request: { list_services: "*" } });
  });

  test("gives a file and what it imports, once each", async () => {
    const { client } = await start();
    const name = "oauth/token/v1/token_service.proto";
    const [byName] = await ask(client(version), [{ file_by_filename: name }]);
    const names = filesOf(byName).map((file) => file.name);
    expect(names[0]).toBe(name);
    expect(names.toSorted()).toEqual(
      [
        "buf/validate/validate.proto",
        "google/protobuf/descriptor.proto",
        "google/protobuf/duration.proto",
        "google/protobuf/field_mask.proto",
        "google/protobuf/timestamp.proto",
        "oauth/token/v1/installation.proto",
        name,
      ].toSorted(),
    );
  });

  test("gives descriptors that make a whole, with the options that mark secrets", async () => {
    const { client } = await start();
    const [answer] = await ask(client(version), [{ file_containing_symbol: "oauth.token.v1.TokenService" }]);
    const files = filesOf(answer);
    const names = files.map((file) => file.name);
    for (const file of files) expect(names).toEqual(expect.arrayContaining(file.dependency));
    const response = files[0]?.messageType.find((message) => message.name === "GetTokenResponse");
    const token = response?.field.find((field) => field.name === "access_token");
    expect(token?.options?.debugRedact).toBe(true);
  });

  test.each([
    ["a service", "oauth.token.v1.TokenService", "oauth/token/v1/token_service.proto"],
    ["a method", "oauth.token.v1.TokenService.GetToken", "oauth/token/v1/token_service.proto"],
    ["a message", "oauth.token.v1.Installation", "oauth/token/v1/installation.proto"],
    ["a field", "oauth.token.v1.Installation.owner", "oauth/token/v1/installation.proto"],
    ["a nested message", "google.rpc.BadRequest.FieldViolation", "google/rpc/error_details.proto"],
    ["a oneof", "grpc.reflection.v1.ServerReflectionRequest.message_request", "grpc/reflection/v1/reflection.proto"],
    ["an enum", "oauth.token.v1.ErrorReason", "oauth/token/v1/error_reason.proto"],
    ["a value", "oauth.token.v1.ACTOR_APP", "oauth/token/v1/token_service.proto"],
    ["a value of a nested enum", "grpc.health.v1.HealthCheckResponse.SERVING", "grpc/health/v1/health.proto"],
    ["an extension", "buf.validate.field", "buf/validate/validate.proto"],
    ["a well-known type", "google.protobuf.Duration", "google/protobuf/duration.proto"],
  ])("finds the file of %s", async (_what, symbol, file) => {
    const { client } = await start();
    const [answer] = await ask(client(version), [{ file_containing_symbol: symbol }]);
    expect(filesOf(answer)[0]?.name).toBe(file);
  });

  test("finds extensions", async () => {
    const { client } = await start();
    const options = "google.protobuf.FieldOptions";
    const answers = await ask(client(version), [
      { file_containing_extension: { containing_type: options, extension_number: 1159 } },
      { all_extension_numbers_of_type: options },
      { all_extension_numbers_of_type: "oauth.token.v1.Installation" },
    ]);
    expect(filesOf(answers[0])[0]?.name).toBe("buf/validate/validate.proto");
    expect(answers[1]?.all_extension_numbers_response).toEqual({
      base_type_name: options,
      extension_number: [1159, 1160],
    });
    expect(answers[2]?.all_extension_numbers_response).toMatchObject({ extension_number: [] });
  });

  test("answers every unknown thing with an error, and goes on", async () => {
    const { client } = await start();
    const answers = await ask(client(version), [
      { file_by_filename: "../../etc/passwd" },
      { file_containing_symbol: "oauth.token.v1.Secret" },
      { file_containing_extension: { containing_type: "google.protobuf.FieldOptions", extension_number: 7 } },
      { all_extension_numbers_of_type: "no.such.Type" },
      {},
    ]);
    const errors = answers.map(({ error_response }) => (error_response as { error_code: number }).error_code);
    expect(errors).toEqual([...new Array(4).fill(status.NOT_FOUND), status.INVALID_ARGUMENT]);
  });
});
