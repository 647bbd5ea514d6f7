import type { Config } from "../config/load-config.ts";
import type { FinishInstall, StartFromLink, StartInstall } from "../domain/connecting/browser-flow.ts";
import { createCompleteInstall } from "../domain/connecting/complete-install.ts";
import { createCreateInstallLink } from "../domain/connecting/create-install-link.ts";
import { createEndTokens } from "../domain/connecting/end-tokens.ts";
import { createFinishInstall } from "../domain/connecting/finish-install.ts";
import { createKeepConnection } from "../domain/connecting/keep-connection.ts";
import { type CallerNow, createLinkPolicy } from "../domain/connecting/link-policy.ts";
import { createRefusedCallbacks, type RefusedCallbacks } from "../domain/connecting/refused-callbacks.ts";
import { returnOrigins } from "../domain/connecting/return-to.ts";
import { createStartFromLink } from "../domain/connecting/start-from-link.ts";
import { createStartInstall, createStartLeg } from "../domain/connecting/start-install.ts";
import type { TellFlow } from "../domain/connecting/tell-flow.ts";
import { createInstallUndoer, type InstallUndoer } from "../domain/connecting/undo-install.ts";
import { createForwarder, type Forwarder, noForwarder } from "../domain/deliveries/forwarder.ts";
import { createHeardOf } from "../domain/deliveries/heard-of.ts";
import { createForwardChanges } from "../domain/deliveries/own-changes.ts";
import { createReceiveDelivery, type ReceiveDelivery } from "../domain/deliveries/receive-delivery.ts";
import { createDeliveryWorker, type DeliveryWorker } from "../domain/deliveries/work-off-deliveries.ts";
import { type BeginFlow, createBeginFlow } from "../domain/flows/begin-flow.ts";
import { createFlowProgress } from "../domain/flows/flow-progress.ts";
import { createFlowWatch, type FlowWatch } from "../domain/flows/watch-flow.ts";
import { alertOf } from "../domain/health/alert-message.ts";
import { createHealthWatch, type HealthWatch } from "../domain/health/health-watch.ts";
import { createListConcerns, type ListConcerns } from "../domain/health/list-concerns.ts";
import { createGetInstallation, createListInstallations } from "../domain/installations/list-installations.ts";
import { createRevoker, type Revoker } from "../domain/installations/revoke-installation.ts";
import { type AccountToken, createAccountToken, createIssueToAccount } from "../domain/links/account-token.ts";
import { type ApproveLink, createAnswerLink, type DenyLink, type LookAtLink } from "../domain/links/answer-link.ts";
import { denyOnFinish } from "../domain/links/deny-on-finish.ts";
import { createFindTyped } from "../domain/links/find-typed.ts";
import { createForgetAccount, type ForgetAccount } from "../domain/links/forget-account.ts";
import { createGuesses } from "../domain/links/guesses.ts";
import { createKnownAccount } from "../domain/links/known-account.ts";
import { createLinkTail } from "../domain/links/link-tail.ts";
import { createLinkDesk, createPollLink, type PollLink } from "../domain/links/poll-link.ts";
import { createRotateAccountSecret, type RotateAccountSecret } from "../domain/links/rotate-account-secret.ts";
import { createStartLink, type StartLink } from "../domain/links/start-link.ts";
import { createWatchLink } from "../domain/links/watch-link.ts";
import type { Platform } from "../domain/model/platform.ts";
import type { Platforms } from "../domain/model/platforms.ts";
import type { Telemetry } from "../domain/model/telemetry.ts";
import { createApplyEvent } from "../domain/reconciling/apply-event.ts";
import { type AskPlatforms, createAskPlatforms } from "../domain/reconciling/ask-platforms.ts";
import { confirmOnComplete, confirmOnFinish, createConfirmInstalls } from "../domain/reconciling/confirm-installs.ts";
import { createListAuditEvents } from "../domain/record/list-events.ts";
import { createNotedEvents, type NotedEvents } from "../domain/record/noted-events.ts";
import { createPutOnRecord } from "../domain/record/put-on-record.ts";
import { createKeepRecord, type KeepRecord } from "../domain/record/upkeep.ts";
import { createKeepFresh, type KeepFresh } from "../domain/refreshing/keep-fresh.ts";
import { createRefresher, type Refresher } from "../domain/refreshing/refresher.ts";
import { createGetToken } from "../domain/tokens/get-token.ts";
import { createGrantedPermissions } from "../domain/tokens/granted-permissions.ts";
import { createHandOut, type HandOut } from "../domain/tokens/hand-out.ts";
import { createNarrowedTokens } from "../domain/tokens/narrowed-tokens.ts";
import { createSelectInstallation, type InstallUrl } from "../domain/tokens/select-installation.ts";
import { createSelectionCache } from "../domain/tokens/selection-cache.ts";
import { createWithSiteToken } from "../domain/tokens/site-token.ts";
import { createChangeTail } from "../domain/watching/change-tail.ts";
import { createWatchInstallations } from "../domain/watching/watch-installations.ts";
import { registerOnComplete, registerOnFinish } from "../domain/webhooks/register-on-connect.ts";
import { createWebhookRemoval } from "../domain/webhooks/remove-webhooks.ts";
import { createWebhooks, type Webhooks } from "../domain/webhooks/webhooks.ts";
import type { UseCases } from "../rpc/methods.ts";
import type { Storage } from "../storage/storage.ts";
import { measuredInstall } from "../telemetry/measured-install.ts";
import { createSharedLook } from "../work/shared-look.ts";
import type { World } from "../world.ts";
import { publicUrl } from "./public-url.ts";

export interface WiredUseCases {
  /** What callers ask for. */
  readonly calls: UseCases;
  /** What browsers ask for. */
  readonly startInstall: StartInstall;
  readonly startFromLink: StartFromLink;
  readonly finishInstall: FinishInstall;
  readonly beginFlow: BeginFlow;
  readonly tellFlow: TellFlow;
  readonly flowWatch: FlowWatch;
  /** What headless clients ask for, and the people who approve them. */
  readonly links: {
    readonly start: StartLink;
    readonly look: LookAtLink;
    readonly approve: ApproveLink;
    readonly deny: DenyLink;
    readonly poll: PollLink;
    readonly accountToken: AccountToken;
    readonly forgetAccount: ForgetAccount;
    readonly rotateAccountSecret: RotateAccountSecret;
  };
  /** What platforms tell. */
  readonly receiveDelivery: ReceiveDelivery;
  readonly deliveryWorker: DeliveryWorker;
  readonly forwarder: Forwarder;
  /** Sends what needs a person to who wants to hear of that. */
  readonly alerter: Forwarder;
  readonly healthWatch: HealthWatch;
  /** What needs a person, for the console. */
  readonly listConcerns: ListConcerns;
  /** Has changes of our own sent on. */
  readonly forwardChanges: () => Promise<void>;
  /** What goes on by itself. */
  readonly refresher: Refresher;
  readonly keepFresh: KeepFresh;
  readonly handOut: HandOut;
  /** What is put on record without making anybody wait. */
  readonly notedEvents: NotedEvents;
  readonly refusedCallbacks: RefusedCallbacks;
  readonly keepRecord: KeepRecord;
  readonly revoker: Revoker;
  readonly undoer: InstallUndoer;
  readonly webhooks: Webhooks;
  /** What platforms are asked about what they told. */
  readonly asking: AskPlatforms;
  /** Selections in memory. */
  readonly cacheEntries: () => number;
}

/** Wires every use case to the storage and the platforms. */
export function wireUseCases(
  config: Config,
  world: World,
  parts: {
    readonly storage: Storage;
    readonly platforms: Platforms;
    readonly telemetry: Telemetry;
    readonly callerNow: CallerNow;
  },
): WiredUseCases {
  const { storage, platforms, telemetry, callerNow } = parts;
  const {
    installations,
    credentials,
    attempts,
    flows,
    links,
    pendingInstalls,
    linkCodes,
    linkProofs: proofs,
    linkAccounts,
    linkedInstalls,
    questions,
    audit,
    record,
    changes,
    installationChanges,
  } = storage;
  const redirectUri = (platform: Platform) => publicUrl(config, `/oauth/callback/${platform.name}`);
  const addressOf = (platform: string) => publicUrl(config, `/webhooks/${platform}`);
  const installUrl = createInstallUrl(config);

  const notedEvents = createNotedEvents({ audit });
  const { note } = notedEvents;
  const refusedCallbacks = createRefusedCallbacks({ note, now: world.now });
  const refresher = createRefresher({ credentials, platforms, changes, world, telemetry, note });
  const { cacheMaxEntries: maxEntries } = config;
  const narrowed = createNarrowedTokens({ credentials, refresher, world, maxEntries, changes, note });
  const granted = createGrantedPermissions({ installations, world, maxEntries, changes });
  const handOut = createHandOut({ audit, installations, world });
  const selections = createSelectionCache({
    select: createSelectInstallation({ installations, platforms, installUrl }),
    changes,
    maxEntries,
    onLookUp: telemetry.cacheLookedUp,
  });
  const putOnRecord = createPutOnRecord({ audit, note, world });
  const endTokens = createEndTokens({ credentials, pendingInstalls, world });
  const undoer = createInstallUndoer({ pendingInstalls, platforms, endTokens, world });
  const withSiteToken = createWithSiteToken({ installations, refresher, world });
  const removal = createWebhookRemoval({ webhooks: storage.webhooks, platforms, withSiteToken, world });
  const revoker = createRevoker({ installations, pendingInstalls, undoer, platforms, webhooks: removal, world });
  const asking = createAskPlatforms({ questions, platforms, refresher, revoker, note, world });
  const origins = returnOrigins(config.public.allowedReturnOrigins);
  const linkPolicy = createLinkPolicy(callerNow, origins);
  const keep = { installations, pendingInstalls, linkedInstalls, credentials, refresher, endTokens, linkPolicy, world };
  const keepConnection = createKeepConnection(keep);
  const { deliveries, concerns } = storage;
  const { forwarding, alerting } = config;
  const sending = { deliveries, telemetry, world };
  const forwarder =
    forwarding === undefined
      ? noForwarder
      : createForwarder({ task: "forward", forwarding, off: storage.forwardingSwitch, ...sending });
  const alerter =
    alerting === undefined
      ? noForwarder
      : createForwarder({ task: "alert", forwarding: alerting, off: storage.alertingSwitch, ...sending });
  const forwardChanges =
    forwarding === undefined
      ? async () => undefined
      : createForwardChanges({ changes: storage.installationChanges, deliveries, cursor: storage.changeCursor });
  const deliveryWorker = createDeliveryWorker({
    deliveries,
    forwarder,
    platforms,
    applyEvent: createApplyEvent({ questions, asking, note, world }),
    log: world.log,
  });
  const registering = { webhooks: storage.webhooks, installations, platforms, withSiteToken, removal };
  const confirm = createConfirmInstalls({ platforms, withSiteToken, world });
  const webhooks = createWebhooks({ ...registering, addressOf, world });
  const tellFlow = createFlowProgress(flows, world);
  const startLeg = createStartLeg({ attempts, tellFlow, world, redirectUri });
  const finishInstall = createFinishInstall({
    attempts,
    keepConnection,
    linkPolicy,
    platforms,
    startLeg,
    tellFlow,
    redirectUri,
    putOnRecord,
    refusedCallbacks,
    claimPage: config.installPageUrl?.href,
    world,
  });
  const flow = registerOnFinish(
    confirmOnFinish(denyOnFinish(finishInstall, { linkCodes, telemetry, world }), confirm),
    webhooks,
  );
  const getToken = createGetToken({
    ...{ selections, refresher, narrowed, granted, handOut, installUrl, world, telemetry },
  });
  const guesses = createGuesses({ rateLimits: storage.rateLimits, world });
  const findTyped = createFindTyped({ linkCodes, proofs, guesses, linkPolicy, telemetry, world });
  const issueToAccount = createIssueToAccount({ installations, getToken, callerNow });
  const desk = createLinkDesk({ linkCodes, linkAccounts, issueToAccount, telemetry, world });
  const knownAccount = createKnownAccount(linkAccounts, world);
  const linkPage = new URL(publicUrl(config, "/link"));
  const startLink = createStartLink({ linkCodes, proofs, platforms, linkPage, telemetry, world });

  return {
    calls: {
      getToken,
      listInstallations: createListInstallations(installations, platforms),
      getInstallation: createGetInstallation(installations),
      revokeInstallation: revoker.revoke,
      createInstallLink: createCreateInstallLink({
        links,
        installations,
        platforms,
        world,
        returnOrigins: origins,
        installPage: (product) => new URL(publicUrl(config, `/oauth/install/${product}`)),
      }),
      completeInstall: registerOnComplete(
        confirmOnComplete(createCompleteInstall({ pendingInstalls, platforms, undoer, linkPolicy, world }), confirm),
        webhooks,
      ),
      watchInstallations: createWatchInstallations({
        installations,
        changes: installationChanges,
        tail: createChangeTail({ history: installationChanges, feed: changes }),
        platforms,
      }),
      startLink,
      watchLink: createWatchLink({ desk, tail: createLinkTail(linkCodes), world }),
      listAuditEvents: createListAuditEvents(record, platforms),
    },
    startInstall: createStartInstall(platforms, startLeg, world),
    startFromLink: createStartFromLink({ links, platforms, linkPolicy, startLeg, world }),
    finishInstall: measuredInstall(flow, telemetry),
    beginFlow: createBeginFlow(flows, world),
    tellFlow,
    flowWatch: createFlowWatch({ flows, tail: createSharedLook(flows.find), origins, world }),
    links: {
      start: startLink,
      ...createAnswerLink({ findTyped, linkCodes, platforms, startLeg, audit, telemetry, world }),
      poll: createPollLink(desk, linkCodes, world),
      accountToken: createAccountToken(knownAccount, issueToAccount),
      forgetAccount: createForgetAccount({ linkAccounts, knownAccount, installations, revoker, world }),
      rotateAccountSecret: createRotateAccountSecret({ linkAccounts, knownAccount, world }),
    },
    receiveDelivery: createReceiveDelivery({
      deliveries,
      worker: deliveryWorker,
      forwarder,
      heardOf: createHeardOf({ webhooks: storage.webhooks, world }),
      telemetry,
    }),
    deliveryWorker,
    forwarder,
    alerter,
    healthWatch: createHealthWatch({ concerns, platforms, alertOf: alerting && alertOf, world }),
    listConcerns: createListConcerns(concerns),
    forwardChanges,
    refresher,
    keepFresh: createKeepFresh({ credentials, platforms, refresher, world }),
    handOut,
    notedEvents,
    refusedCallbacks,
    keepRecord: createKeepRecord({ record, installations, world, retentionDays: config.auditRetentionDays }),
    revoker,
    undoer,
    webhooks,
    asking,
    cacheEntries: () => selections.size,
  };
}

/** In `open` mode anyone may start an install; in `link` mode only the product's own page knows how. */
function createInstallUrl(config: Config): InstallUrl {
  return (platform, owner) => {
    if (config.public.installMode === "link") return config.installPageUrl?.href;
    const query = owner === undefined ? "" : `?${new URLSearchParams({ owner })}`;
    return publicUrl(config, `/oauth/install/${platform}${query}`);
  };
}
