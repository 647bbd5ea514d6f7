import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import express, { type Request, type Response } from "express";
import { connectScript } from "../../../gen/browser/scripts.ts";
import { type Product, startProduct } from "./product-server.ts";

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
  readonly product: Product;
  readonly flows: readonly ScriptedFlow[];
  /** What the popup is shown; by default an empty page. */
  page: (request: Request, response: Response) => void;
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
  const server = createServer(app).listen(0, "127.0.0.1");
  await new Promise((resolve) => server.once("listening", resolve));
  // Another site, too.
  const product = await startProduct("localhost");
  const service: ScriptedService = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    product,
    get flows() {
      return [...flows.values()];
    },
    page: emptyPage,
    streams: "speak",
    away: false,
    get missed() {
      return missed;
    },
    cutStreams() {
      for (const { streams } of flows.values()) for (const stream of streams) stream.destroy();
    },
    async close() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
      await product.close();
    },
  };
  product.useService(service.url);
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
