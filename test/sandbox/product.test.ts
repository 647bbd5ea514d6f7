import { afterAll, beforeAll, expect, test } from "vitest";
import { createBrowser } from "../../rig/browser.ts";
import { freePort } from "../../rig/free-port.ts";
import { type Product, startProduct } from "../../sandbox/product/product.ts";
import { startService, type TestService } from "../support/service.ts";

let service: TestService;
let product: Product;

beforeAll(async () => {
  const port = await freePort();
  service = await startService({ env: { INSTALL_MODE: "link", ALLOWED_RETURN_ORIGINS: `http://localhost:${port}` } });
  const [{ publicUrl = "", internalUrl = "" } = {}] = service.replicas;
  product = await startProduct({ port, baseUrl: publicUrl, internalUrl });
});
afterAll(async () => {
  await product?.close();
  await service?.close();
});

test("without its script, the product connects by redirects, completes for who is signed in, and uses a token", async () => {
  const browser = createBrowser();
  const before = await browser.visit(product.url);
  expect(before.text).toContain("Not connected");
  expect(before.text).not.toContain("/use/");
  const toLink = await browser.post(`${product.url}/connect/sentry`, {});
  expect(toLink.status).toBe(303);
  const { url, text } = await browser.visit(toLink.headers.get("location") ?? "");
  expect(url.href, "the code is in no address that stays").toBe(`${product.url}/`);
  expect(text).toContain("Connected: Acme.");
  const used = await browser.post(`${product.url}/use/sentry`, {});
  const { text: afterUse } = await browser.visit(new URL(used.headers.get("location") ?? "", product.url));
  expect(afterUse).toMatch(/Planner&#39;s backend was given a token: good until \d\d:\d\d:\d\d UTC/);
  expect((await browser.visit(product.url)).text, "said once").not.toContain("was given a token");
});

test("the product takes nothing from a browser that never opened it, or that another site sends", async () => {
  const stranger = createBrowser();
  expect((await stranger.post(`${product.url}/connect/sentry`, {})).status).toBe(403);
  expect((await stranger.get(`${product.url}/connected?completion_code=c`)).status).toBe(403);
  await stranger.visit(product.url);
  const cookie = [...stranger.cookies.values()][0] ?? "";
  const headers = { cookie: `planner-session=${cookie}`, "sec-fetch-site": "cross-site" };
  expect((await fetch(`${product.url}/connect/sentry`, { method: "POST", headers })).status).toBe(403);
});

test("the product says why in words where the service refuses", async () => {
  const browser = createBrowser();
  await browser.visit(product.url);
  const answer = await browser.get(`${product.url}/connected?completion_code=nobody-gave-this`);
  expect(answer.status).toBe(502);
  expect(await answer.text()).toMatch(/^That did not work: .+ Go back, and try again\.$/);
});
