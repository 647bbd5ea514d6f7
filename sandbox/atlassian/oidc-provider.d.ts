// The package brings no types; these are the parts the sandbox uses.
declare module "oidc-provider" {
  import type { RequestListener } from "node:http";

  export interface Payload {
    exp?: number;
    consumed?: number;
    grantId?: string;
    accountId?: string;
    scope?: string;
    [name: string]: unknown;
  }

  export interface Adapter {
    upsert(id: string, payload: Payload, expiresInSeconds?: number): Promise<void>;
    find(id: string): Promise<Payload | undefined>;
    findByUid(uid: string): Promise<Payload | undefined>;
    findByUserCode(userCode: string): Promise<Payload | undefined>;
    consume(id: string): Promise<void>;
    destroy(id: string): Promise<void>;
    revokeByGrantId(grantId: string): Promise<void>;
  }

  export interface Session {
    readonly jti: string;
    loginAccount(details: { accountId: string }): void;
    save(ttlSeconds: number): Promise<string>;
  }

  export interface Grant {
    addResourceScope(resource: string, scope: string): void;
    save(): Promise<string>;
  }

  export interface AccessToken {
    readonly accountId: string;
    readonly scope?: string;
    readonly isExpired: boolean;
  }

  /** What a function of the configuration is told about the request. */
  export interface RequestContext {
    readonly oidc: {
      readonly client: { readonly clientId: string };
      readonly session: { readonly accountId?: string };
      readonly requestParamScopes: ReadonlySet<string>;
      readonly provider: Provider;
    };
  }

  export class Provider {
    constructor(issuer: string, configuration: Readonly<Record<string, unknown>>);
    callback(): RequestListener;
    on(event: string, listener: (...details: unknown[]) => void): this;
    readonly Session: new () => Session;
    readonly Grant: new (holder: {
      accountId: string;
      clientId: string;
    }) => Grant;
    readonly AccessToken: { find(token: string): Promise<AccessToken | undefined> };
  }

  export const interactionPolicy: {
    base(): { get(name: "login" | "consent"): { readonly checks: { clear(): void } } };
  };
}
