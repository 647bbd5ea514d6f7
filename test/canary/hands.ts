import { type Callers, type Door, doors } from "./callers.ts";
import { createPerson } from "./person.ts";
import type { Target } from "./target.ts";
import { type PlatformName, tapOf } from "./trouble.ts";
import type { TappedAnswer, TappedRequest } from "./wire-tap.ts";

/** What every flow does with the service: connects, asks for tokens, makes them old, lets a platform fail. */
export function createHands(target: Target, callers: Callers) {
  const { taps, change } = target;
  let turn = 0;
  const nextDoor = (): Door => doors[turn++ % doors.length] ?? "rest";

  async function connect(platform: string, json = turn++ % 2 === 0): Promise<number> {
    const { status } = await createPerson(target).go(`/oauth/install/${platform}`, { json });
    return status;
  }

  async function mustConnect(platform: string): Promise<void> {
    const status = await connect(platform);
    if (status !== 200) throw new Error(`${platform} was not connected but answered ${status}`);
  }

  /** Selects what the same person's grant serves: the one site of several. */
  function selector(platform: PlatformName): Record<string, string> {
    return platform === "jira" ? { platform, external_org_id: "1324a887-45db-4bf4-8e99-ef0ff456d421" } : { platform };
  }

  async function mustGetToken(platform: PlatformName, more: Record<string, string> = {}): Promise<string> {
    const answer = await callers.getToken(nextDoor(), { ...selector(platform), ...more });
    if (answer.accessToken === undefined) throw new Error(`no token of ${platform}: ${answer.text}`);
    return answer.accessToken;
  }

  /** Makes every stored token too old to be served, and nobody wait. */
  async function age(): Promise<void> {
    await change(`
      update credentials set expires_at = now() - interval '1 minute', issued_at = now() - interval '1 day',
        lease_until = null where kind <> 'long_lived'`);
  }

  /** Lets the platform answer so to whatever is asked at these paths, while `work` runs. */
  async function answering(
    platform: PlatformName,
    paths: RegExp,
    answer: (request: TappedRequest) => TappedAnswer,
    work: () => Promise<unknown>,
  ): Promise<void> {
    const tap = taps[tapOf[platform]];
    tap.answer = (request) => (paths.test(request.path) ? answer(request) : undefined);
    await work();
    tap.answer = () => undefined;
  }

  async function reject(platform: PlatformName): Promise<void> {
    const rejected_token_id = await tokenId(platform);
    await callers.getToken(nextDoor(), { ...selector(platform), rejected_token_id });
  }

  async function tokenId(platform: PlatformName): Promise<string> {
    const { text } = await callers.getToken("rest", selector(platform));
    return (JSON.parse(text) as { token_id: string }).token_id;
  }

  return { target, callers, nextDoor, connect, mustConnect, selector, mustGetToken, age, answering, reject };
}

export type Hands = ReturnType<typeof createHands>;
