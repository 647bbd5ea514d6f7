import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import express from "express";

/** A product at a site of its own, whose one page has a button that connects. */
export interface Product {
  readonly url: string;
  /** Of its page. */
  headers: Readonly<Record<string, string>>;
  /** Where its page has the popup helper from. */
  useService(url: string): void;
  close(): Promise<void>;
}

/** `localhost` and `127.0.0.1` are different sites to a browser. */
export async function startProduct(host: "localhost" | "127.0.0.1"): Promise<Product> {
  let service = "";
  const app = express();
  app.get("/favicon.ico", (_request, response) => void response.status(204).end());
  app.get("/", (_request, response) => void response.set(product.headers).type("html").send(productPage(service)));
  const server = createServer(app).listen(0, "127.0.0.1");
  await new Promise((resolve) => server.once("listening", resolve));
  const product: Product = {
    url: `http://${host}:${(server.address() as AddressInfo).port}`,
    headers: {},
    useService: (url) => {
      service = url;
    },
    async close() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
  return product;
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
