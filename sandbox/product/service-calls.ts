/** What the product's backend asks of the service, for the owner that is signed in. */
export interface ServiceCalls {
  /** An address for one person's browser, good once. */
  makeLink(platform: string, returnTo: string): Promise<string>;
  /** Says that this owner finished what the code is about; gives what is connected now. */
  complete(completionCode: string): Promise<readonly Connected[]>;
  connected(): Promise<readonly Connected[]>;
  /** What is told of a token; the token itself stays here. */
  useToken(platform: string): Promise<UsedToken>;
}

export interface Connected {
  readonly platform: string;
  readonly name: string;
}

export interface UsedToken {
  readonly expireTime: string | undefined;
  readonly scopes: readonly string[];
}

/** The service said no, in its own words. */
export class ServiceRefusal extends Error {}

/** Calls by plain JSON on the internal listener, as any backend can without a client package. */
export function serviceCalls(internalUrl: string, owner: string): ServiceCalls {
  async function call(method: string, request: object): Promise<Message> {
    const response = await fetch(`${internalUrl}/oauth.token.v1.TokenService/${method}`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ ...request, owner }),
    });
    const message = (await response.json()) as Message;
    if (!response.ok) throw new ServiceRefusal(message.message ?? `the service answered ${response.status}`);
    return message;
  }

  return {
    async makeLink(platform, returnTo) {
      const { url } = await call("CreateInstallLink", { platform, returnTo });
      if (url === undefined) throw new Error("a link without an address");
      return url;
    },
    complete: async (completionCode) => namesOf(await call("CompleteInstall", { completionCode })),
    connected: async () => namesOf(await call("ListInstallations", { status: "INSTALLATION_STATUS_ACTIVE" })),
    async useToken(platform) {
      const { expireTime, scopes = [] } = await call("GetToken", { platform });
      return { expireTime, scopes };
    },
  };
}

/** What this product reads of the service's messages. */
interface Message {
  readonly message?: string;
  readonly url?: string;
  readonly installations?: readonly { readonly platform: string; readonly externalOrgName?: string }[];
  readonly expireTime?: string;
  readonly scopes?: readonly string[];
}

function namesOf({ installations = [] }: Message): readonly Connected[] {
  return installations.map(({ platform, externalOrgName = "" }) => ({ platform, name: externalOrgName }));
}
