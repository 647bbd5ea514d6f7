import { breakRows, breakTheDatabase, crash } from "./breakage.ts";
import { createCallers } from "./callers.ts";
import { createHands } from "./hands.ts";
import { connectEverywhere, failToConnect, failToMint, narrow, revoke } from "./life.ts";
import { linkPrograms } from "./links.ts";
import { look } from "./look.ts";
import { askNonsense, loseTheWay } from "./misuse.ts";
import { useConsole } from "./operator.ts";
import type { Target } from "./target.ts";
import { platforms } from "./trouble.ts";
import { watchPopup } from "./watched.ts";

/** The whole life of tokens, on one target. */
export async function runFlows(target: Target): Promise<void> {
  const callers = createCallers(target);
  const hands = createHands(target, callers);
  try {
    await connectEverywhere(hands);
    for (const platform of platforms) {
      await failToConnect(hands, platform);
      await failToMint(hands, platform);
    }
    await narrow(hands);
    await loseTheWay(hands);
    await linkPrograms(hands);
    await watchPopup(hands);
    await askNonsense(hands);
    await useConsole(hands);
    await revoke(hands);
    await breakRows(hands);
    await breakTheDatabase(hands);
    await crash(hands);
    await look(hands);
  } finally {
    callers.close();
  }
}

/** What leaves something in the database: installs, first tokens, and tokens in place of refused ones. */
export async function runShortFlows(target: Target): Promise<void> {
  const callers = createCallers(target);
  const hands = createHands(target, callers);
  try {
    await connectEverywhere(hands);
    await linkPrograms(hands);
    await watchPopup(hands);
    for (let round = 0; round < 2; round++) for (const platform of platforms) await hands.reject(platform);
  } finally {
    callers.close();
  }
}
