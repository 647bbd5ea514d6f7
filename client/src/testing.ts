import {
  create,
  type DescMessage,
  type DescMethodUnary,
  fromBinary,
  type MessageInitShape,
  type MessageShape,
  toBinary,
  toJson,
} from "@bufbuild/protobuf";
import { timestampFromDate } from "@bufbuild/protobuf/wkt";
import { type handleUnaryCall, type MethodDefinition, Server, ServerCredentials } from "@grpc/grpc-js";
import { InstallationStatus } from "../../gen/oauth/token/v1/installation_pb.js";
import { GetTokenRequestSchema, ProviderRevocation, TokenService } from "../../gen/oauth/token/v1/token_service_pb.js";
import { type Reason, toGrpcError } from "./testing/refusals.ts";
import { createScriptedAnswers, type Scripted } from "./testing/scripted-answers.ts";
import type { Selector, Token } from "./token-client.ts";

export type { Reason };

/** Speaks the service's protocol on a free port of loopback, and answers what a test says. */
export interface TestTokenService {
  /** For `createTokenClient({ address })`, or `OAUTH_TOKEN_SERVICE_ADDRESS`. */
  readonly address: string;
  /**
   * What a request is given that has these fields, and perhaps others; of several the one that says most. A token that is
   * rejected is followed by another: `TOKEN-2`.
   */
  setToken(selector: Selector, token: string | Partial<Omit<Token, "source">>): void;
  /** `SERVICE_UNREACHABLE`: as if nobody were there. What waiting helps says a minute unless it is told otherwise. */
  refuse(
    selector: Selector,
    reason: Reason,
    more?: { readonly metadata?: Readonly<Record<string, string>>; readonly retryAfterMs?: number },
  ): void;
  /** What GetToken was asked for so far. */
  readonly asked: readonly Selector[];
  close(): Promise<void>;
}

/**
 * A token service for tests. What was not set is `INSTALLATION_NOT_FOUND`; tokens that were set are listed as active
 * installations, and can be revoked.
 */
export async function createTestTokenService(): Promise<TestTokenService> {
  const answers = createScriptedAnswers();
  const asked: Selector[] = [];
  const server = new Server();
  server.addService(definitions, {
    getToken: answering(TokenService.method.getToken, (request) => {
      asked.push(toJson(GetTokenRequestSchema, request) as unknown as Selector);
      const found = answers.find(request);
      if (found === undefined) throw toGrpcError({ reason: "INSTALLATION_NOT_FOUND" });
      if (found.kind === "refusal") throw toGrpcError(found.refusal);
      const { expireTime, ...token } = found.token;
      return { ...token, ...(expireTime === undefined ? {} : { expireTime: timestampFromDate(expireTime) }) };
    }),
    listInstallations: answering(TokenService.method.listInstallations, (request) => ({
      installations: answers.all().flatMap((scripted) => {
        const one = installationOf(scripted);
        const isMeant =
          (["platform", "owner", "externalOrgId"] as const).every(
            (name) => request[name] === "" || request[name] === one?.[name],
          ) &&
          (request.status === InstallationStatus.UNSPECIFIED || request.status === one?.status) &&
          (request.search === "" || (one !== undefined && isFoundBy(request.search, one)));
        return one !== undefined && isMeant ? [one] : [];
      }),
    })),
    revokeInstallation: answering(TokenService.method.revokeInstallation, ({ installationId }) => {
      const found = answers.all().find((scripted) => installationOf(scripted)?.id === installationId);
      const installation = found && installationOf(found);
      if (found === undefined || installation === undefined) throw toGrpcError({ reason: "INSTALLATION_NOT_FOUND" });
      answers.refuse(found.selector, { reason: "INSTALLATION_REVOKED" });
      const status = InstallationStatus.REVOKED;
      return { installation: { ...installation, status }, providerRevocation: ProviderRevocation.REVOKED };
    }),
  });
  const port = await new Promise<number>((resolve, reject) => {
    server.bindAsync("127.0.0.1:0", ServerCredentials.createInsecure(), (error, bound) =>
      error === null ? resolve(bound) : reject(error),
    );
  });
  return {
    address: `127.0.0.1:${port}`,
    setToken: answers.setToken,
    refuse: (selector, reason, more = {}) => answers.refuse(selector, { reason, ...more }),
    asked,
    close: async () => server.forceShutdown(),
  };
}

const definitions = Object.fromEntries(
  (["getToken", "listInstallations", "revokeInstallation"] as const).map((name) => [
    name,
    definition(TokenService.method[name]),
  ]),
);

function definition(method: DescMethodUnary): MethodDefinition<object, object> {
  return {
    path: `/${method.parent.typeName}/${method.name}`,
    ...{ requestStream: false, responseStream: false },
    requestSerialize: (request) => Buffer.from(toBinary(method.input, request as MessageShape<typeof method.input>)),
    requestDeserialize: (bytes) => fromBinary(method.input, bytes),
    responseSerialize: (response) =>
      Buffer.from(toBinary(method.output, response as MessageShape<typeof method.output>)),
    responseDeserialize: (bytes) => fromBinary(method.output, bytes),
  };
}

function answering<Input extends DescMessage, Output extends DescMessage>(
  method: DescMethodUnary<Input, Output>,
  answer: (request: MessageShape<Input>) => MessageInitShape<Output>,
): handleUnaryCall<MessageShape<Input>, MessageShape<Output>> {
  return (call, callback) => {
    try {
      callback(null, create(method.output, answer(call.request)));
    } catch (refusal) {
      callback(refusal as ReturnType<typeof toGrpcError>);
    }
  };
}

/** What was set has no names of organizations. */
function isFoundBy(search: string, one: Readonly<Record<"id" | "owner" | "externalOrgId", string>>): boolean {
  return one.owner.toLowerCase().startsWith(search.toLowerCase()) || [one.id, one.externalOrgId].includes(search);
}

function installationOf(scripted: Scripted) {
  if (scripted.kind !== "token") return undefined;
  const { platform = "", owner = "" } = scripted.selector;
  const { installationId: id, externalOrgId, scopes, permissions } = scripted.token;
  return { id, platform, owner, externalOrgId, scopes, permissions, status: InstallationStatus.ACTIVE };
}
