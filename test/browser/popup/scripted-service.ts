import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import express, { type Request, type Response } from "express";
import { connectScript } from "../../../gen/browser/scripts.ts";

/** What a flow of the stand-in is made to do: the test says how it goes on. */
export interface ScriptedFlow {
  readonly name: string;
  /** How often the popup was reported closed. */
  readonly closed: number;
  /** How often it was looked at without a stream. */
  readonly looks: number;
  say(report: Readonly<Record<string, unknown>>): void;
  /** Forgotten, as by a service that has pruned it. */
  forget(): void;
}

/** The service as the popup helper sees it, so far as the real one cannot be made to behave badly at will. */
export interface ScriptedService {
  readonly url: string;
  /** The page of a product at another site, with a button. */
  readonly productUrl: string;
  readonly flows: readonly ScriptedFlow[];
  /** What the popup is shown; by default an empty page. */
  page: (request: Request, response: Response) => void;
  /** Headers of the product's page. */
  productHeaders: Readonly<Record<string, string>>;
  /** Whether streams are answered with events, held without one, or refused. */
  streams: "speak" | "silent" | "refused";
  /** Everything of flows is answered with 502 by what stands before the service. */
  away: boolean;
  /** How often it was. */
  readonly missed: number;
  /** Breaks off every stream that is open. */
  cutStreams(): void;
  close(): Promise<void>;
}

export async function startScriptedService(): Promise<ScriptedService> {
  const flows = new Map<string, ReturnType<typeof createFlow>>();
  let missed = 0;
  const app = express();
  app.get("/connect.js", (_request, response) => {
    response.setHeader("access-control-allow-origin", "*").type("js").send(connectScript);
  });
  app.get("/oauth/install/:platform", (request, response) => {
    const name = String(request.query.flow);
    if (!flows.has(name)) flows.set(name, createFlow(name));
    service.page(request, response);
  });
  app.use("/oauth/flows/:flow", (request, response) => {
    response.setHeader("access-control-allow-origin", request.headers.origin ?? "null");
    const flow = flows.get(request.params.flow);
    if (service.away) {
      missed++;
      return void response.status(502).end();
    }
    if (flow === undefined || flow.forgotten) return void response.status(404).end();
    if (request.path === "/closed") {
      flow.closed++;
      return void response.status(204).end();
    }
    if (request.headers.accept !== "text/event-stream") {
      flow.looks++;
      return void (flow.last === undefined ? response.status(404).end() : response.json(flow.last));
    }
    if (service.streams === "refused") return void response.status(503).end();
    response.writeHead(200, { "content-type": "text/event-stream" }).flushHeaders();
    if (service.streams === "silent") return;
    flow.streams.add(response);
    if (flow.last !== undefined) send(response, flow.last);
  });
  const product = express();
  product.get("/favicon.ico", (_request, response) => void response.status(204).end());
  product.get("/", (_request, response) => {
    response.set(service.productHeaders).type("html").send(productPage(service.url));
  });

  const servers = [await listen(app), await listen(product)];
  const [servicePort, productPort] = servers.map((server) => (server.address() as AddressInfo).port);
  const service: ScriptedService = {
    url: `http://127.0.0.1:${servicePort}`,
    // Another site, too.
    productUrl: `http://localhost:${productPort}`,
    get flows() {
      return [...flows.values()];
    },
    page: emptyPage,
    productHeaders: {},
    streams: "speak",
    away: false,
    get missed() {
      return missed;
    },
    cutStreams() {
      for (const { streams } of flows.values()) for (const stream of streams) stream.destroy();
    },
    async close() {
      for (const server of servers) {
        server.closeAllConnections();
        await new Promise((resolve) => server.close(resolve));
      }
    },
  };
  return service;
}

const emptyPage = (_request: Request, response: Response) =>
  void response.type("html").send("<!doctype html><p>in</p>");

function createFlow(name: string) {
  const flow = {
    name,
    closed: 0,
    looks: 0,
    forgotten: false,
    last: undefined as Readonly<Record<string, unknown>> | undefined,
    streams: new Set<Response>(),
    say(report: Readonly<Record<string, unknown>>) {
      flow.last = report;
      for (const stream of flow.streams) send(stream, report);
    },
    forget() {
      flow.forgotten = true;
      for (const stream of flow.streams) stream.destroy();
    },
  };
  return flow;
}

function send(stream: Response, report: Readonly<Record<string, unknown>>): void {
  stream.write(`: heartbeat\n\ndata: ${JSON.stringify(report)}\n\n`);
}

async function listen(app: express.Express): Promise<Server> {
  const server = createServer(app).listen(0, "127.0.0.1");
  await new Promise((resolve) => server.once("listening", resolve));
  return server;
}

/** What a product's page has of the helper: each try is told in `tries`, in order. */
function productPage(service: string): string {
  return `<!doctype html>
<html lang="en"><head><title>product</title></head><body><button>Connect</button>
<script type="module">
import { connect } from "${service}/connect.js";
globalThis.tries = [];
globalThis.begin = (options = {}) => {
  const attempt = { told: [], abort: new AbortController() };
  const onStatus = (status) => { attempt.told.push(status); attempt.toldAfterEnd ||= attempt.result !== undefined; };
  tries.push(attempt);
  connect({ link: "${service}/oauth/install/jira?link=made", onStatus, signal: attempt.abort.signal, ...options }).then(
    (result) => { attempt.result = result; },
    (error) => { attempt.result = { error: error.name }; },
  );
};
document.querySelector("button").onclick = () => begin(globalThis.options);
if (location.hash === "#begin") begin();
globalThis.unhandled = [];
addEventListener("unhandledrejection", ({ reason }) => unhandled.push(String(reason)));
</script></body></html>`;
}
