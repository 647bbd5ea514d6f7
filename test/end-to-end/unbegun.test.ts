import { expect, test } from "vitest";
import { createBrowser } from "../../rig/browser.ts";
import { callBack, redirect } from "./support/flow.ts";
import { complete } from "./support/links.ts";
import { useService } from "./support/use-service.ts";

const page = "https://product.example/connect";
const shared = useService({ env: { INSTALL_MODE: "link", INSTALL_PAGE_URL: page } });

/** Installs on the platform's own page: nothing of ours began it. */
function installThere(browser = createBrowser()): Promise<URL> {
  const { app, url } = shared.service.sandbox.github;
  return redirect(browser, new URL(`${url}/apps/${app.slug}/installations/new`));
}

test("an install that begins at GitHub is claimed from inside the product", async () => {
  const browser = createBrowser();
  const callback = await installThere(browser);
  expect([...callback.searchParams.keys()]).not.toContain("state");
  const authorize = await redirect(browser, callback);
  expect(authorize.searchParams.get("prompt")).toBe("select_account");
  const end = await redirect(browser, await redirect(browser, authorize));
  expect(end.origin + end.pathname).toBe(page);
  expect(end.searchParams.get("unbegun")).toBe("github");

  const { caller } = shared;
  expect((await caller.list()).installations).toMatchObject([{ status: "INSTALLATION_STATUS_PENDING", owner: "" }]);
  expect(await caller.refusal({ platform: "github" })).toMatchObject({ reason: "INSTALLATION_NOT_FOUND" });
  const code = end.searchParams.get("completion_code") ?? "";
  const { installations } = await complete(caller, code, "acme");
  expect(installations).toMatchObject([{ status: "INSTALLATION_STATUS_ACTIVE", owner: "acme" }]);
  expect(await caller.token({ platform: "github", owner: "acme" })).toMatchObject({ token_type: "Bearer" });
  expect((await complete(caller, code, "globex")).refusal).toMatchObject({ reason: "INVALID_REQUEST" });
});

test("one that an owner has to approve stores nothing, and is claimed by who approved it", async () => {
  const { github } = shared.service.sandbox;
  github.controls.signIn("hubot");
  const member = createBrowser();
  const asked = await installThere(member);
  expect(asked.searchParams.get("setup_action")).toBe("request");
  expect(await callBack(member, asked)).toMatchObject({ status: 409, error: { code: "approval_pending" } });
  expect((await shared.caller.list()).installations).toEqual([]);

  github.controls.signIn("mona");
  const owner = createBrowser();
  const approved = await installThere(owner);
  const end = await redirect(owner, await redirect(owner, await redirect(owner, approved)));
  const code = end.searchParams.get("completion_code") ?? "";
  expect((await complete(shared.caller, code, "acme")).installations).toMatchObject([{ owner: "acme" }]);
});

test("a code is nobody's who only names an installation", async () => {
  const { github } = shared.service.sandbox;
  await installThere();
  const [installation] = github.controls.installations().slice(-1);
  github.controls.signIn("hubot");
  const browser = createBrowser();
  const forged = new URL(
    `/oauth/callback/github?setup_action=install&installation_id=${installation!.id}`,
    shared.service.replicas[0]!.publicUrl,
  );
  const back = await redirect(browser, await redirect(browser, forged));
  expect((await callBack(browser, back)).success).toBe(false);
  expect((await shared.caller.list()).installations).toEqual([]);
});

test("an install that begins in Sentry's directory is claimed the same way", async () => {
  const { sentry } = shared.service.sandbox;
  const end = await redirect(createBrowser(), new URL(sentry.controls.installFromDirectory("acme")));
  expect([end.origin + end.pathname, end.searchParams.get("unbegun")]).toEqual([page, "sentry"]);
  const { installations } = await complete(shared.caller, end.searchParams.get("completion_code") ?? "", "acme");
  expect(installations).toMatchObject([{ platform: "sentry", status: "INSTALLATION_STATUS_ACTIVE", owner: "acme" }]);
  expect(await shared.caller.token({ platform: "sentry", owner: "acme" })).toMatchObject({ token_type: "Bearer" });
});
