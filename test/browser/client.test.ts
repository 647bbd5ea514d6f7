import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { fileURLToPath } from "node:url";
import express from "express";
import type { Browser } from "playwright-core";
import { rolldown } from "rolldown";
import { afterAll, beforeAll, expect, onTestFinished, test } from "vitest";
import { createTestWorld } from "../../rig/world.ts";
import { connectHandler } from "../../src/rpc/connect/connect-handler.ts";
import type { UseCases } from "../../src/rpc/methods.ts";
import { createProcedures } from "../../src/rpc/procedures.ts";
import { fakeUseCases, issuedToken, openDoor, sealer } from "../rpc/fake-use-cases.ts";
import { launchChromium, watchPages } from "./chromium.ts";

let browser: Browser;
let bundle: string;

beforeAll(async () => {
  browser = await launchChromium();
  const build = await rolldown({
    input: fileURLToPath(new URL("../../client/src/web.ts", import.meta.url)),
    platform: "browser",
  });
  const { output } = await build.generate({ format: "esm", codeSplitting: false });
  bundle = output[0].code;
  await build.close();
});
afterAll(() => browser.close());

/** A page of the origin that answers Connect calls too. */
async function openPage(useCases: Partial<UseCases>) {
  const app = express();
  app.get("/", (_request, response) => void response.type("html").send("<!doctype html><title>product</title>"));
  app.get("/favicon.ico", (_request, response) => void response.status(204).end());
  app.get("/client.js", (_request, response) => void response.type("js").send(bundle));
  const procedures = createProcedures({ useCases: fakeUseCases(useCases), sealer });
  app.use(connectHandler({ ...createTestWorld(), ...openDoor, procedures }));
  const server = createServer(app).listen(0, "127.0.0.1");
  await new Promise((resolve) => server.once("listening", resolve));
  const context = await browser.newContext();
  onTestFinished(async () => {
    await context.close();
    server.closeAllConnections();
    server.close();
  });
  const page = await context.newPage();
  const { complaints } = watchPages(context);
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  await page.goto(url);
  return { page, url, complaints };
}

/** What runs there: a token twice, a change, and a way that is not open. */
const program = (origin: string) => `(async () => {
  const { createTokenClient } = await import("${origin}/client.js");
  const client = createTokenClient({ address: "${origin}", fallback: false });
  const [first, second] = await Promise.all([1, 2].map(() => client.getToken({ platform: "github" })));
  const changes = [];
  for await (const { change } of client.watch()) if (changes.push(change) === 2) break;
  client.close();
  const attempt = new Promise((resolve) => resolve(createTokenClient({ address: "localhost:50051" })));
  const grpc = await attempt.catch(({ message }) => message);
  return [first.accessToken, second.tokenId === first.tokenId, first.expireTime instanceof Date, changes.join(), grpc];
})()`;

const inWorker = (expression: string) => `new Promise((resolve, reject) => {
  const text = ${JSON.stringify(`postMessage(await ${expression})`)};
  const worker = new Worker(URL.createObjectURL(new Blob([text], { type: "text/javascript" })), { type: "module" });
  worker.onmessage = ({ data }) => resolve(data);
  worker.onerror = ({ message }) => reject(new Error(message));
})`;

test.each(["page", "worker"])("a %s gets tokens and watches over Connect", async (place) => {
  let asked = 0;
  const { page, url, complaints } = await openPage({
    getToken: async () => {
      asked += 1;
      return issuedToken;
    },
  });
  const outcome = await page.evaluate(place === "page" ? program(url) : inWorker(program(url)));
  expect(outcome).toEqual([
    ...["ghs_the-token", true, true, "CHANGE_PRESENT,CHANGE_SYNCED"],
    "outside of Node address is the URL of the internal listener",
  ]);
  expect(asked).toBe(1);
  expect(complaints).toEqual([]);
});
