import type { Client } from "@grpc/grpc-js";
import { until } from "../../../rig/gate.ts";
import {
  connectClient,
  type GrpcAnswer,
  type Message,
  type Refusal,
  readRefusal,
  unary,
} from "../../support/grpc-client.ts";
import type { Replica } from "../../support/service.ts";

/** An internal service that asks one replica over gRPC, knowing it from the .proto files alone. */
export interface Caller {
  /** @throws Error with the refusal. */
  token(request: Message, settings?: CallSettings): Promise<Token>;
  /** @throws Error if the call is not refused. */
  refusal(request: Message, settings?: CallSettings): Promise<Refusal>;
  /** The first refusal, within a few seconds: what another replica changed may take two to arrive. */
  refusalSoon(request: Message): Promise<Refusal>;
  /** Either of them. */
  getToken(request: Message, settings?: CallSettings): Promise<{ token?: Token; refusal?: Refusal }>;
  installation(id: string): Promise<InstallationMessage>;
  list(request?: Message): Promise<{ installations: InstallationMessage[]; next_page_token: string }>;
  revoke(id: string): Promise<{ installation: InstallationMessage; provider_revocation: string }>;
  /** Resolves once what this caller was given tokens for is found no more: replicas remember it for a moment. */
  forgotten(): Promise<void>;
  /** Any RPC of the service. */
  call(method: string, request: Message, settings?: CallSettings): Promise<GrpcAnswer>;
  close(): void;
}

export interface CallSettings {
  readonly deadlineMs?: number;
  readonly metadata?: Record<string, string>;
}

export interface Token {
  readonly access_token: string;
  readonly token_type: string;
  readonly expire_time: { readonly seconds: string; readonly nanos: number } | null;
  readonly scopes: readonly string[];
  readonly permissions: Readonly<Record<string, string>>;
  readonly installation_id: string;
  readonly external_org_id: string;
  readonly token_id: string;
  readonly api_base_url: string;
}

export interface InstallationMessage {
  readonly id: string;
  readonly platform: string;
  readonly status: string;
  readonly external_org_id: string;
  readonly external_org_name: string;
  readonly external_install_id: string;
  readonly owner: string;
  readonly installed_by: string;
  readonly webhook: unknown;
  readonly last_error: string;
  readonly revoke_time: unknown;
}

export function createCaller(replica: Replica): Caller {
  const client: Client = connectClient("oauth.token.v1.TokenService", replica.app.ports.grpc);
  const found = new Map<string, Message>();
  const call: Caller["call"] = (method, request, settings) => unary(client, method, request, settings);

  async function answer<T>(method: string, request: Message): Promise<T> {
    const { error, response } = await call(method, request);
    if (error !== undefined) throw new Error(`${method} was refused: ${JSON.stringify(readRefusal(error))}`);
    return response as T;
  }

  function remember(request: Message): void {
    const selector = Object.fromEntries(
      selectorFields.flatMap((name) => (name in request ? [[name, request[name]]] : [])),
    );
    found.set(JSON.stringify(selector), selector);
  }

  const getToken: Caller["getToken"] = async (request, settings) => {
    const { error, response } = await call("GetToken", request, settings);
    if (error === undefined) remember(request);
    return error === undefined ? { token: response as unknown as Token } : { refusal: readRefusal(error) };
  };

  return {
    call,
    getToken,
    async token(request, settings) {
      const { token, refusal } = await getToken(request, settings);
      if (token === undefined) throw new Error(`no token but ${JSON.stringify(refusal)}`);
      return token;
    },
    async refusal(request, settings) {
      const { token, refusal } = await getToken(request, settings);
      if (refusal === undefined) throw new Error(`was given the token ${token?.token_id}`);
      return refusal;
    },
    async refusalSoon(request) {
      let refused: Refusal | undefined;
      await until(
        async () => {
          refused = (await getToken(request)).refusal;
          return refused !== undefined;
        },
        `${JSON.stringify(request)} is refused`,
        5_000,
      );
      return refused as unknown as Refusal;
    },
    async forgotten() {
      for (const selector of found.values()) {
        await until(async () => (await call("GetToken", selector)).error !== undefined, "the cache is dropped");
      }
      found.clear();
    },
    async installation(id) {
      const { installation } = await answer<{ installation: InstallationMessage }>("GetInstallation", {
        installation_id: id,
      });
      return installation;
    },
    list: (request = {}) => answer("ListInstallations", request),
    revoke: (id) => answer("RevokeInstallation", { installation_id: id, reason: "test" }),
    close: () => client.close(),
  };
}

const selectorFields = [
  ...["platform", "installation_id", "external_org_id", "external_install_id"],
  ...["owner", "actor", "external_user_id"],
];

/** The expiry as an instant; undefined for a token without end. */
export function expiryOf({ expire_time: at }: Token): Date | undefined {
  return at === null ? undefined : new Date(Number(at.seconds) * 1000 + at.nanos / 1e6);
}
