import { anonymous } from "../../../src/domain/access/caller.ts";
import type { FinishOutcome, StartedAttempt } from "../../../src/domain/connecting/browser-flow.ts";
import { createFinishInstall } from "../../../src/domain/connecting/finish-install.ts";
import { type CallerNow, createLinkPolicy } from "../../../src/domain/connecting/link-policy.ts";
import { createRefusedCallbacks } from "../../../src/domain/connecting/refused-callbacks.ts";
import { createStartLeg } from "../../../src/domain/connecting/start-install.ts";
import { createFlowProgress } from "../../../src/domain/flows/flow-progress.ts";
import { createAccountToken, createIssueToAccount } from "../../../src/domain/links/account-token.ts";
import { createAnswerLink } from "../../../src/domain/links/answer-link.ts";
import { denyOnFinish } from "../../../src/domain/links/deny-on-finish.ts";
import { createFindTyped, type LinkVisitor } from "../../../src/domain/links/find-typed.ts";
import { createForgetAccount } from "../../../src/domain/links/forget-account.ts";
import { createGuesses } from "../../../src/domain/links/guesses.ts";
import { createKnownAccount } from "../../../src/domain/links/known-account.ts";
import { createLinkDesk, createPollLink } from "../../../src/domain/links/poll-link.ts";
import { createRotateAccountSecret } from "../../../src/domain/links/rotate-account-secret.ts";
import { createStartLink, type LinkRequest, type StartedLink } from "../../../src/domain/links/start-link.ts";
import { Secret } from "../../../src/secret.ts";
import { call } from "../../support/call.ts";
import { connection, onlyPlatforms, type ScriptedOptions, scriptedPlatform } from "../../support/scripted-platform.ts";
import { type Domain, openDesk } from "../open-domain.ts";
import { openInstalls } from "../open-installs.ts";

export const visitor: LinkVisitor = { address: "192.0.2.7", requestId: "visit" };
const poller = { address: "198.51.100.9", requestId: "poll" };

export interface LinkStageOptions extends ScriptedOptions {
  readonly callerNow?: CallerNow;
}

/** Link codes on the domain's storage, with a platform that connects a workspace of its own. */
export function openLinks(domain: Pick<Domain, "storage" | "world">, options: LinkStageOptions = {}) {
  const { storage, world } = domain;
  const tellFlow = createFlowProgress(storage.flows, world);
  const { linkCodes, linkAccounts, linkProofs: proofs, attempts, installations, audit, rateLimits } = storage;
  const { callerNow = () => anonymous } = options;
  const moves: string[] = [];
  const telemetry = { linkMoved: (...move: readonly string[]) => void moves.push(move.join(" ")) };
  const platform = scriptedPlatform(options);
  const platforms = onlyPlatforms(platform);
  const linkPolicy = createLinkPolicy(callerNow, new Set());
  const desk = openDesk(domain, [platform]);
  const { keepConnection, putOnRecord, revoker } = openInstalls(domain, platforms, { linkPolicy });
  const redirectUri = () => "https://tokens.example/oauth/callback/slack";
  const startLeg = createStartLeg({ attempts, tellFlow, world, redirectUri });
  const install = createFinishInstall({
    ...{ attempts, keepConnection, linkPolicy, platforms, startLeg, tellFlow, redirectUri, putOnRecord, world },
    refusedCallbacks: createRefusedCallbacks({ note: () => undefined, now: world.now }),
  });
  const finish = denyOnFinish(install, { linkCodes, telemetry, world });
  const findTyped = createFindTyped({
    ...{ linkCodes, proofs, linkPolicy, telemetry, world },
    guesses: createGuesses({ rateLimits, world }),
  });
  const issueToAccount = createIssueToAccount({ installations, getToken: desk.ask, callerNow });
  const linkDesk = createLinkDesk({ linkCodes, linkAccounts, issueToAccount, telemetry, world });
  const poll = createPollLink(linkDesk, linkCodes, world);
  const startLink = createStartLink({
    ...{ linkCodes, proofs, platforms, telemetry, world },
    linkPage: new URL("https://tokens.example/link"),
  });
  const answer = createAnswerLink({ findTyped, linkCodes, platforms, startLeg, audit, telemetry, world });
  const knownAccount = createKnownAccount(linkAccounts, world);
  const accountToken = createAccountToken(knownAccount, issueToAccount);
  const rotate = createRotateAccountSecret({ linkAccounts, knownAccount, world });
  const made = connection({ installation: { products: platform.products } });
  platform.answerExchange = () => ({ kind: "connected", connection: made });

  return {
    ...answer,
    platform,
    linkDesk,
    moves,
    revoker,
    forget: createForgetAccount({ linkAccounts, knownAccount, installations, revoker, world }),
    rotate: (id: string, secret: Secret) => rotate(id, secret, poller),
    token: (accountId: string, accountSecret: Secret, rejectedTokenId?: string) =>
      accountToken({ accountId, accountSecret, rejectedTokenId }, poller),
    org: made.installations[0]?.externalOrgId ?? "",
    start: (request: Partial<LinkRequest> = {}, by = call({ method: "StartLink" })) =>
      startLink({ platform: platform.products[0] ?? "", owner: "acme", clientName: "a laptop", ...request }, by),
    poll: ({ code, pollSecret }: Pick<StartedLink, "code" | "pollSecret">, signal?: AbortSignal) =>
      poll({ code: code.reveal(), pollSecret }, poller, signal),
    pollWith: (code: string, pollSecret: string) => poll({ code, pollSecret: new Secret(pollSecret) }, poller),
    /** In the browser that was sent there. */
    comeBack: (attempt: StartedAttempt, query: Record<string, string> = { code: "the-code" }) =>
      finish({
        platform: platform.name,
        query: new URLSearchParams({ state: attempt.redirectTo.searchParams.get("state") ?? "", ...query }),
        binding: (name) => (name === attempt.binding.name ? attempt.binding.value.reveal() : undefined),
        bindings: () => [attempt.binding.value.reveal()],
        mayStart: true,
      }),
    /** From start to the first token. */
    async signIn(request: Partial<LinkRequest> = {}) {
      const link = await this.start(request);
      const outcome = await this.connect(link);
      if (outcome.kind !== "connected") throw new Error(`not connected: ${JSON.stringify(outcome)}`);
      const polled = await this.poll(link);
      if (polled.kind !== "connected" || polled.payload.accountSecret === undefined) throw new Error(polled.kind);
      const { accountId, accountSecret, tokenId } = polled.payload;
      const [installationId = ""] = outcome.installations.map(({ id }) => id);
      return { accountId, accountSecret, tokenId, installationId };
    },
    /** Approves a code and comes back from the platform. */
    async connect(link: Pick<StartedLink, "code">): Promise<FinishOutcome> {
      const approved = await answer.approve(link.code.reveal(), visitor);
      if (approved.kind !== "started") throw new Error(`not started: ${approved.why}`);
      return this.comeBack(approved.attempt);
    },
  };
}

export type LinkStage = ReturnType<typeof openLinks>;
