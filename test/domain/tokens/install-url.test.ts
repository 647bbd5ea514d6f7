import { expect, onTestFinished, test } from "vitest";
import { startService } from "../../support/service.ts";

/** What a caller without an installation is told, for which owner. */
async function refusal(env: Readonly<Record<string, string>>, query: string) {
  const service = await startService({ env });
  onTestFinished(() => service.close());
  const [replica] = service.replicas;
  const answer = await fetch(`${replica!.internalUrl}/oauth/token/confluence${query}`);
  const { error } = (await answer.json()) as { error: { reason: string; metadata: Record<string, string> } };
  expect([answer.status, error.reason]).toEqual([404, "INSTALLATION_NOT_FOUND"]);
  return { metadata: error.metadata, publicUrl: replica!.publicUrl };
}

test("where anyone may start, the address to connect at is our own, with the owner", async () => {
  const { metadata, publicUrl } = await refusal({}, "?owner=acme%20%26%20co");
  expect(metadata).toEqual({ install_url: `${publicUrl}/oauth/install/confluence?owner=acme+%26+co` });
});

test("where only a link may start, it is the product's page", async () => {
  const env = { INSTALL_MODE: "link", INSTALL_PAGE_URL: "https://portal.example/integrations" };
  const { metadata } = await refusal(env, "?owner=acme");
  expect(metadata).toEqual({ install_url: "https://portal.example/integrations" });
});

test("where only a link may start and there is no page, none is named", async () => {
  expect((await refusal({ INSTALL_MODE: "link" }, "")).metadata).toEqual({});
});
