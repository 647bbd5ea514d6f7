import { describe, expect, test } from "vitest";
import { createClock } from "../../rig/clock.ts";
import { isAccepted } from "./support/platform-api.ts";
import { useService } from "./support/use-service.ts";

const hourMs = 3_600_000;
const platforms = [
  { platform: "jira", lifeMs: hourMs, endpoint: "atlassian" },
  { platform: "slack", lifeMs: 12 * hourMs, endpoint: "slack" },
  { platform: "github-oauth", lifeMs: 8 * hourMs, endpoint: "github" },
  { platform: "github", lifeMs: hourMs, endpoint: "github" },
] as const;

describe.each([
  ["two hours behind ours", -2 * hourMs],
  ["ten minutes ahead of ours", hourMs / 6],
])("platforms whose clocks are %s", (_, aheadMs) => {
  const clock = createClock();
  const shared = useService({ clock, sandbox: { now: () => new Date(clock.now().getTime() + aheadMs) } });

  test.each(platforms)("$platform: a token lives as long as it says, and no longer", async (given) => {
    const { platform, lifeMs, endpoint } = given;
    const { service, caller } = shared;
    const { controls } = service.sandbox[endpoint];
    const { installation_id } = await service.connect(platform);
    const asked = clock.now().getTime();
    const token = await caller.token({ installation_id });
    expect(Math.abs(Number(token.expire_time?.seconds) * 1_000 - asked - lifeMs)).toBeLessThan(10_000);
    const calls = controls.tokenCalls;
    for (let call = 0; call < 20; call++) {
      expect((await caller.token({ installation_id })).token_id).toBe(token.token_id);
    }
    expect(controls.tokenCalls).toBe(calls);

    clock.advance(lifeMs);
    const next = await caller.token({ installation_id });
    expect(next.token_id).not.toBe(token.token_id);
    expect(await isAccepted(platform, next)).toBe(true);
  });

  test("GitHub's complaint about our proof's time is remembered: the next mint is one call", async () => {
    const { service, caller } = shared;
    const { installation_id } = await service.connect("github");
    await caller.token({ installation_id });
    clock.advance(hourMs);
    const before = service.sandbox.github.calls.length;
    await caller.token({ installation_id });
    expect(service.sandbox.github.calls.slice(before).map(({ path }) => path)).toEqual([
      expect.stringContaining("access_tokens"),
    ]);
  });
});
