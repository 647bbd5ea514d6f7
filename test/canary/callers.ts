import { type Client, Metadata, type ServiceError, type StatusObject } from "@grpc/grpc-js";
import { connectClient, detailsOf, type Message } from "../support/grpc-client.ts";
import type { Target } from "./target.ts";

/** What a door answered. The access token in GetToken's own answer is taken out before anything is kept. */
export interface Answer {
  /** 200, or the HTTP status; by gRPC 0 or the code. */
  readonly status: number;
  readonly text: string;
  readonly accessToken: string | undefined;
}

export type Door = "grpc" | "connect" | "rest";
export const doors: readonly Door[] = ["grpc", "connect", "rest"];

/** Internal services that keep every answer they get, with its headers, trailers and details. */
export interface Callers {
  /** GetToken with proto field names. By REST only what a query can say. */
  getToken(door: Door, request: Message): Promise<Answer>;
  /** Any request to the internal listener. */
  http(path: string, init?: RequestInit): Promise<Answer>;
  /** A Connect call with whatever body. */
  connect(method: string, body: unknown): Promise<Answer>;
  grpc(method: string, request: Message): Promise<Answer>;
  /** A call whose request is no message. */
  grpcBytes(path: string, bytes: Buffer): Promise<Answer>;
  reflect(): Promise<void>;
  close(): void;
}

export function createCallers({ internalUrl, grpcPort, outputs, canaries }: Target): Callers {
  const client = connectClient("oauth.token.v1.TokenService", grpcPort);

  function keep(where: string, text: string): void {
    outputs.push({ where, text });
  }

  /** Takes the token out of an answer that may hand one out. */
  function withoutToken(text: string, handsOut: boolean): { text: string; accessToken: string | undefined } {
    if (!handsOut) return { text, accessToken: undefined };
    const { access_token, accessToken = access_token, ...rest } = JSON.parse(text) as Record<string, unknown>;
    canaries.add("access token", String(accessToken));
    return { text: JSON.stringify(rest), accessToken: String(accessToken) };
  }

  async function http(path: string, init: RequestInit = {}, handsOut = false): Promise<Answer> {
    const headers = { ...(init.headers as Record<string, string> | undefined), connection: "close" };
    const response = await fetch(new URL(path, internalUrl), { ...init, headers });
    const { text, accessToken } = withoutToken(await response.text(), handsOut && response.status === 200);
    const route = handsOut ? "GetToken by HTTP" : `the internal listener`;
    keep(`a header of ${route}`, JSON.stringify([...response.headers]));
    keep(route, text);
    return { status: response.status, text, accessToken };
  }

  const connect = (method: string, body: unknown, handsOut = false) =>
    http(
      `/oauth.token.v1.TokenService/${method}`,
      {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: typeof body === "string" ? body : JSON.stringify(body),
      },
      handsOut,
    );

  function grpc(method: string, request: Message, send = bySchema): Promise<Answer> {
    return new Promise((resolve) => {
      const done = (error: ServiceError | null, response?: Message) => {
        const { text, accessToken } = withoutToken(JSON.stringify(response ?? {}), method === "GetToken" && !error);
        keep(`a gRPC answer to ${method}`, text);
        if (error !== null) keepError(error);
        resolve({
          status: error?.code ?? 0,
          text: error === null ? text : JSON.stringify(detailsOf(error)),
          accessToken,
        });
      };
      const call = send(client, method, request, done);
      call.on("metadata", (metadata: Metadata) => keep("gRPC headers", JSON.stringify(metadata.toJSON())));
      call.on("status", (status: StatusObject) => {
        keep("gRPC trailers", JSON.stringify([status.details, status.metadata.toJSON()]));
      });
    });
  }

  function keepError(error: ServiceError): void {
    const [binary] = error.metadata.get("grpc-status-details-bin");
    keep("a gRPC error", `${error.message} ${error.details} ${JSON.stringify(detailsOf(error))}`);
    if (binary instanceof Buffer) keep("gRPC error details", binary.toString("latin1"));
  }

  return {
    http: (path, init) => http(path, init, path.startsWith("/oauth/token/")),
    connect: (method, body) => connect(method, body, method === "GetToken"),
    grpc: (method, request) => grpc(method, request),
    grpcBytes: (path, bytes) =>
      grpc(path, {}, (through, _method, _request, done) => {
        return through.makeUnaryRequest(
          path,
          () => bytes,
          asMessage,
          {},
          (error, response) => done(error, response),
        );
      }),
    getToken(door, request) {
      if (door === "grpc") return grpc("GetToken", request);
      if (door === "connect") return connect("GetToken", request, true);
      const { platform, ...rest } = request;
      const query = new URLSearchParams(rest as Record<string, string>);
      return http(`/oauth/token/${platform}?${query}`, {}, true);
    },
    async reflect() {
      for (const version of ["v1", "v1alpha"]) {
        const reflection = connectClient(`grpc.reflection.${version}.ServerReflection`, grpcPort);
        const stream = (reflection as unknown as Reflection).ServerReflectionInfo();
        stream.write({ list_services: "" });
        stream.write({ file_containing_symbol: "oauth.token.v1.TokenService" });
        stream.write({ file_containing_symbol: "nothing.of.ours" });
        stream.end();
        for await (const answer of stream as AsyncIterable<Message>) {
          const files = answer.file_descriptor_response as { file_descriptor_proto: Buffer[] } | undefined;
          for (const file of files?.file_descriptor_proto ?? []) keep("reflection", file.toString("latin1"));
          keep("reflection", JSON.stringify({ ...answer, file_descriptor_response: undefined }));
        }
        reflection.close();
      }
    },
    close: () => client.close(),
  };
}

interface Reflection {
  ServerReflectionInfo(): NodeJS.ReadWriteStream & { write(message: Message): boolean };
}

type Done = (error: ServiceError | null, response?: Message) => void;
interface GrpcCall {
  on(event: "metadata", listener: (metadata: Metadata) => void): unknown;
  on(event: "status", listener: (status: StatusObject) => void): unknown;
}

function bySchema(client: Client, method: string, request: Message, done: Done): GrpcCall {
  const call = (client as unknown as Record<string, (...args: unknown[]) => GrpcCall>)[method];
  if (call === undefined) throw new Error(`no method ${method}`);
  return call.call(client, request, new Metadata(), {}, done);
}

function asMessage(bytes: Buffer): Message {
  return { bytes: bytes.toString("latin1") };
}
