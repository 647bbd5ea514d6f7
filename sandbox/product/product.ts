import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import express, { type NextFunction, type Request, type Response } from "express";
import { type Offer, productPage, productStyle } from "./product-page.ts";
import { ServiceRefusal, serviceCalls } from "./service-calls.ts";
import { createSessions } from "./sessions.ts";

export interface ProductOptions {
  /** 0 for any free one. */
  readonly port: number;
  /** The service's public address, where the popup helper is. */
  readonly baseUrl: string;
  /** The service's internal address, which only the backend uses. */
  readonly internalUrl: string;
}

export interface Product {
  readonly url: string;
  close(): Promise<void>;
}

/** Who is signed in to this product; whose the connections are. */
const person = { name: "Ada", owner: "ada" };
/** What it offers to connect. */
const offers: readonly Offer[] = [
  { platform: "github", label: "GitHub" },
  { platform: "jira", label: "Jira" },
  { platform: "slack", label: "Slack" },
  { platform: "sentry", label: "Sentry" },
];

/** The made-up product of the demo: a page that connects in a popup, and the backend that completes what it connects. */
export async function startProduct(options: ProductOptions): Promise<Product> {
  const { baseUrl, internalUrl } = options;
  const service = serviceCalls(internalUrl, person.owner);
  const sessions = createSessions();
  const own = sessions.ownBrowserOnly;
  const script = readFileSync(join(import.meta.dirname, "product.js"), "utf8");
  const policy = policyFor(new URL(baseUrl).origin);
  const app = express();
  const server = createServer(app);
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(options.port, "127.0.0.1", resolve);
  });
  const url = `http://localhost:${(server.address() as AddressInfo).port}`;

  app.disable("x-powered-by");
  app.use(express.urlencoded({ extended: false, limit: "4kb" }));
  app.use((_request, response, next) => {
    response.setHeaders(
      new Map([
        ["Content-Security-Policy", policy],
        ["Cache-Control", "no-store"],
      ]),
    );
    next();
  });
  app.get("/product.js", (_request, response) => void response.type("js").send(script));
  app.get("/product.css", (_request, response) => void response.type("css").send(productStyle));
  app.get("/", async (request, response) => {
    const session = sessions.of(request, response);
    const { note } = session;
    session.note = "";
    const connected = await service.connected();
    const shown = { person: person.name, offers, connected, note };
    response.send(productPage({ ...shown, helper: `${baseUrl}/connect.js`, console: `${internalUrl}/console` }));
  });
  app.post("/connect/:platform", own, async (request, response) => {
    const link = await service.makeLink(request.params.platform, `${url}/connected`);
    if (wantsJson(request)) response.json({ link });
    else response.redirect(303, link);
  });
  // From the popup's page by the script, and where the consent ends without a popup: the code is good for its owner only.
  app.post("/complete", own, async (request, response) => {
    const { completion_code: code } = request.body as { readonly completion_code?: unknown };
    const { note } = await complete(request, response, String(code));
    response.json({ note });
  });
  app.get("/connected", own, async (request, response) => {
    await complete(request, response, new URL(request.url, url).searchParams.get("completion_code") ?? "");
    response.redirect(303, "/");
  });
  app.post("/use/:platform", own, async (request, response) => {
    const { expireTime, scopes } = await service.useToken(request.params.platform);
    const until = expireTime === undefined ? "until it is revoked" : `until ${expireTime.slice(11, 19)} UTC`;
    const named = scopes.slice(0, 3).join(", ");
    const reach =
      scopes.length === 0 ? "" : `, for ${named}${scopes.length > 3 ? ` and ${scopes.length - 3} more` : ""}`;
    sessions.of(request as Request, response).note = `Planner's backend was given a token: good ${until}${reach}.`;
    response.redirect(303, "/");
  });
  app.use((error: unknown, request: Request, response: Response, _next: NextFunction) => {
    const said = error instanceof ServiceRefusal ? error.message : "the token service cannot be reached";
    if (wantsJson(request)) response.status(502).json({ error: said });
    else response.status(502).type("text").send(`That did not work: ${said}. Go back, and try again.`);
  });

  async function complete(request: Request, response: Response, code: string) {
    const connected = await service.complete(code);
    const session = sessions.of(request, response);
    session.note = `Connected: ${connected.map(({ name }) => name).join(", ")}.`;
    return session;
  }

  return {
    url,
    async close() {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      server.closeAllConnections();
      await closed;
    },
  };
}

function policyFor(serviceOrigin: string): string {
  return [
    "default-src 'none'",
    `script-src 'self' ${serviceOrigin}`,
    `connect-src 'self' ${serviceOrigin}`,
    "style-src 'self'",
    "img-src data:",
    "base-uri 'none'",
    "frame-ancestors 'none'",
  ].join("; ");
}

function wantsJson(request: Pick<Request, "accepts">): boolean {
  return request.accepts(["html", "json"]) === "json";
}
