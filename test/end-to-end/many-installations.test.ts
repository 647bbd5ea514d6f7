import { expect, test } from "vitest";
import { isAccepted } from "./support/platform-api.ts";
import { useService } from "./support/use-service.ts";

const shared = useService({ sandbox: { github: { otherInstallations: 230 } } });

test("a person who reaches 230 other installations connects ours, which is on the third page", async () => {
  const { service, caller } = shared;
  const { installation_id } = await service.connect("github");
  const token = await caller.token({ installation_id });
  expect(await isAccepted("github", token)).toBe(true);
  const pages = service.sandbox.github.calls.filter(({ path }) => path === "/api/v3/user/installations");
  expect(pages).toHaveLength(3);
});
