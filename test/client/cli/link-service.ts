import { createServer, type IncomingHttpHeaders, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

/** What came, with its body as JSON. */
export interface Asked {
  readonly method: string;
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: unknown;
}

export interface Reply {
  readonly status: number;
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
}

/** A reply of the service, or "drop": the connection ends without one. */
export type Script = (asked: Asked) => Reply | "drop";

/** The link routes of contract section 3, answered as a test says: for answers that the service itself gives seldom. */
export interface LinkService {
  readonly url: string;
  readonly asked: readonly Asked[];
  /** How `POST /v1/link-code`, the polls, and the account are answered. */
  start: Script;
  poll: Script;
  token: Script;
  forget: Script;
  close(): Promise<void>;
}

export const linkCode = "12345678901";
export const accountSecret = "account-secret-that-nobody-sees";

export const payload = {
  access_token: "token-1",
  token_type: "Bearer",
  expire_time: "2030-01-01T00:00:00Z",
  scopes: ["read:jira-work"],
  account_id: "0198c0de-0000-7000-8000-000000000001",
  api_base_url: "https://api.atlassian.com/ex/jira/1",
  installations: [{ id: "0198c0de-0000-7000-8000-000000000002", external_org_id: "1", external_org_name: "acme" }],
  token_id: "t1",
};

export async function startLinkService(): Promise<LinkService> {
  const asked: Asked[] = [];
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => void chunks.push(chunk));
    request.on("end", () => {
      const text = Buffer.concat(chunks).toString("utf8");
      const one = {
        method: request.method ?? "",
        path: request.url ?? "",
        headers: request.headers,
        body: text === "" ? undefined : JSON.parse(text),
      };
      asked.push(one);
      answer(response, scriptOf(one)(one));
    });
  });
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const service: LinkService = {
    url,
    asked,
    start: () => ({
      status: 200,
      body: {
        link_code: linkCode,
        poll_secret: "poll-secret",
        verification_url: `${url}/link`,
        verification_url_complete: `${url}/link?code=${linkCode}`,
        expires_in: 600,
        interval: 5,
      },
    }),
    poll: () => ({ status: 200, body: { ...payload, account_secret: accountSecret } }),
    token: () => ({ status: 200, body: payload }),
    forget: () => ({ status: 200, body: {} }),
    close: () =>
      new Promise((done) => {
        server.close(() => done());
        server.closeAllConnections();
      }),
  };

  function scriptOf({ method, path }: Asked): Script {
    if (method === "POST") return service.start;
    if (path.startsWith("/v1/poll/")) return service.poll;
    return method === "DELETE" ? service.forget : service.token;
  }
  return service;
}

function answer(response: ServerResponse, reply: Reply | "drop"): void {
  if (reply === "drop") return void response.destroy();
  // Its clock is that of the test, if it says.
  response.sendDate = false;
  response.writeHead(reply.status, { "content-type": "application/json", ...reply.headers });
  response.end(reply.body === undefined ? "" : JSON.stringify(reply.body));
}
