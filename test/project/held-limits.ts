/** A file and, in the order of the page, names of constants in it (`object.member`) or of its jobs; or a setting. */
export type Held = readonly [file: string, ...names: string[]] | string;

const breaker = "src/domain/refreshing/breaker.ts";
const concerns = "src/domain/health/find-concerns.ts";
const deliveryWork = "src/domain/deliveries/work-off-deliveries.ts";
const forwarder = "src/domain/deliveries/forwarder.ts";
const delays = ["a", "b", "c", "d", "e", "f"];
const doubt = "src/domain/model/doubt.ts";
const judgement = "src/domain/refreshing/judge-refusal.ts";
const jobs = "src/app/start-jobs.ts";
const startApp = "src/app/start-app.ts";
const healthWatch = "src/domain/health/health-watch.ts";
const growingWindows = "src/domain/record/growing-windows.ts";
const issuerKeys = "src/callers/issuer-keys.ts";
const keepFresh = "src/domain/refreshing/keep-fresh.ts";
const leasedMint = "src/domain/refreshing/leased-mint.ts";
const listen = "src/web/listen.ts";
const patience = "src/rpc/grpc/unfinished-requests.ts";
const asking = "src/domain/reconciling/ask-platforms.ts";
const webhookTimes = "src/domain/webhooks/webhook-times.ts";
const pool = "src/storage/postgres/pool.ts";
const connectionLimits = "src/rpc/grpc/connection-limits.ts";

/** By the first cell of its row in docs/limits.md: where each number in bold comes from. */
export const heldLimits: Readonly<Record<string, readonly Held[]>> = {
  "refresh lease": [
    ["src/domain/refreshing/refresher.ts", "leaseMs"],
    ["src/storage/credentials/lease.ts", "horizonMs"],
  ],
  "hesitation between lease and call": [["src/domain/refreshing/refresher.ts", "maxHesitationMs"]],
  "waiting for another replica's refresh": [
    ["src/domain/refreshing/refresher.ts", "pollMs.first", "pollMs.most", "maxWaitMs"],
  ],
  "further calls of one lease (spare, predecessor)": [[leasedMint, "lastCallMs"]],
  "back-off after a failure": [
    ["src/domain/refreshing/backoff.ts", "baseMs", "capMs"],
    [leasedMint, "maxOutageMs"],
  ],
  "back-off while suspended or refused; rate limited without `Retry-After`; the same of narrowed tokens": [
    [judgement, "suspendedMs"],
    [leasedMint, "rateLimitMs"],
    ["src/domain/tokens/narrowed-tokens.ts", "rateLimitMs"],
  ],
  "a refusal is not believed while an earlier attempt is unclear": [[leasedMint, "openAttemptGraceMs"]],
  "an installation minted for with our own key that seems to be gone": [
    [leasedMint, "patience"],
    ["src/storage/credentials/due.ts", "lastVisit"],
  ],
  "circuit breaker of a credential": [[breaker, "threshold", "probeMs"]],
  "circuit breaker of a platform": [[breaker, "threshold", "several", "probeMs", "preferenceMs"]],
  "a credential that is refused alone": [
    [judgement, "aloneFailures", "aloneMs.misconfigured", "aloneMs.unavailable", "aloneRetryMs"],
  ],
  "a death is doubted (ADR 18)": [[doubt, "verdictWindowMs", "fewest", "persistenceMs", "confirmationMs"]],
  "refresh by itself": [
    [jobs, "refresh what is due"],
    [keepFresh, "recentMs.rotating", "recentMs.minted", "concurrency"],
    ["src/storage/credentials/due.ts", "looked.most", "longestWaiting", "looked.most", "looked.first", "looked.aimMs"],
    ["src/storage/credentials/due.ts", "mostPassedOver", "passOverMs"],
    [keepFresh, "roundMs"],
  ],
  "idle rotating grants": [
    ["src/platforms/atlassian/atlassian.ts", "keepAliveMs"],
    ["src/platforms/github/github-oauth.ts", "keepAliveMs"],
    ["src/platforms/slack/slack.ts", "keepAliveMs"],
    ["src/platforms/sentry/sentry.ts", "keepAliveMs"],
  ],
  "what needs a person (health watch)": [
    [healthWatch, "everyMs"],
    [jobs, "watch the health"],
    [healthWatch, "portion", "portions", "roundMs"],
    ["src/domain/health/platforms-now.ts", "wantedForMs"],
  ],
  "a connection is said to need a person": [
    [concerns, "warnMs"],
    ["src/platforms/atlassian/atlassian.ts", "restMs"],
    [
      concerns,
      "failingMs.alone",
      "failingMs.othersServed",
      "failingMs.anyway",
      "fewestFailures",
      "fewestRegistrations",
    ],
  ],
  "requests of GetToken that come again as they are (bytes over gRPC, URLs of `/oauth/token`), read once": [
    ["src/rpc/grpc/recent-requests.ts", "maxRequests", "maxBytes"],
    ["src/web/internal/rest.ts", "maxRequests", "maxUrl"],
  ],
  "look-ups by installation id alone share a statement, per what a caller may see": [
    ["src/work/shared-reads.ts", "lanes", "mostKeys", "patienceMs"],
  ],
  "`search` of ListInstallations: matches that are fetched and listed, and rows at the beginning that are looked through where more match; matches that are sorted where those were not enough for the page; rows of the list that are read along where more match than that":
    [["src/storage/installations/search.ts", "usual.few", "usual.mostSorted", "usual.mostRead"]],
  "statements of the look-up that are built, per pool of connections": [
    ["src/storage/installations/select.ts", "maxShapes"],
  ],
  "the life of an access token": [
    ["src/platforms/github/installation-token.ts", "usualLifeSeconds"],
    ["src/platforms/sentry/token.ts", "usualLifeSeconds"],
    ["src/platforms/atlassian/token.ts", "usualLifeSeconds"],
    ["src/platforms/github/user-token.ts", "usualLifeSeconds"],
    ["src/platforms/slack/token.ts", "usualLifeSeconds"],
  ],
  'a platform that waits for it is told that its installation is connected here (Sentry\'s "Verify Install")': [
    ["src/domain/reconciling/confirm-installs.ts", "personWaitsMs"],
  ],
  "Sentry, asked in the app's own name before a refresh token is spent; each question after its code was spent": [
    ["src/platforms/sentry/mint.ts", "ownWordMs"],
    ["src/platforms/sentry/exchange.ts", "deadlineMs"],
  ],

  "default `min_ttl`; a token this young satisfies any `min_ttl`": [
    ["src/domain/model/token.ts", "defaultMinTtlMs", "freshMs"],
  ],
  "a call without a deadline; the longest": [["src/rpc/deadline.ts", "defaultTimeoutMs", "maxTimeoutMs"]],
  "GetToken waits for a refresh": [["src/domain/tokens/get-token.ts", "answerMarginMs", "maxWaitMs"]],
  "a first hand-out waits for its row of the record": [["src/domain/tokens/hand-out.ts", "maxWaitMs"]],
  "what an installation is granted now": [
    ["src/domain/tokens/granted-permissions.ts", "oldMs", "refusedMs", "patienceMs"],
  ],
  "call to the outside: connect; in all; body": [
    ["src/world/platform-fetch.ts", "connectTimeoutMs"],
    ["src/platforms/http.ts", "defaultDeadlineMs", "maxKeptBytes", "maxReadBytes"],
  ],
  "selections with their opened tokens and encoded answers, per what a caller may see": ["CACHE_MAX_ENTRIES"],
  "change feed": [["src/storage/postgres/changes.ts", "beatMs", "provenMs", "rebuildMs"]],
  "caller, token, installation and network (IPv6: /64) on record": [
    ["src/domain/tokens/known-places.ts", "maxKnown", "maxNetworks"],
  ],
  "rejected tokens that a caller has had replaced, per credential (and shape)": [
    ["src/domain/tokens/rejections.ts", "replacements.burst", "replacements.perSecond", "maxKnown"],
  ],
  "mints of narrowed tokens that an installation did not give (not granted, suspended, refused), per caller and credential":
    [["src/domain/tokens/rejections.ts", "fruitlessMints.burst", "fruitlessMints.perSecond"]],

  "proofs that were verified": [["src/callers/authenticator.ts", "maxRemembered", "rememberedMs"]],
  "an issuer's keys": [
    [issuerKeys, "freshMs", "timeoutMs"],
    ["src/callers/fetch-key-set.ts", "maxBytes"],
    [issuerKeys, "unknownKeyMs", "awayMs", "lastGoodMs"],
  ],
  "caller file": [["src/callers/callers.ts", "lookMs"]],
  "a session of the console: in all; without a request; so often a request is noted": [
    ["src/web/console/sessions.ts", "sessionMs", "idleMs", "noteMs"],
  ],
  "wrong keys at the console's sign-in, of one network (IPv6: /64)": [
    ["src/web/console/sign-in/wrong-keys.ts", "wrongKeys.most", "wrongKeys.windowSeconds"],
  ],
  "forms of the console: one; all that are being read": [
    ["src/web/console/visits.ts", "formBytes"],
    ["src/web/console/create-console.ts", "formsBytes"],
  ],
  "rate of a caller": [["src/domain/access/rate-limiter.ts", "maxKeys"]],

  "browser attempt; all legs of one together": [
    ["src/domain/connecting/start-install.ts", "attemptSeconds", "flowSeconds"],
  ],
  link: [["src/domain/connecting/create-install-link.ts", "defaultTtlMs", "maxTtlMs"]],
  "link code; between polls, less what they may come early; what was connected in time can be fetched": [
    ["src/domain/links/link-code.ts", "linkSeconds", "pollSeconds", "pollToleranceMs", "fetchSeconds"],
  ],
  "link codes that wait for their person: in all; of one caller, or network where callers are not told apart": [
    ["src/domain/links/link-code.ts", "liveCodes.inAll", "liveCodes.each"],
  ],
  "wrong codes at the link page: of one network (IPv6: /64); of all": [
    ["src/domain/links/guesses.ts", "guessesOfOne.most", "guessesOfOne.windowSeconds"],
    ["src/domain/links/guesses.ts", "guessesOfAll.most", "guessesOfAll.windowSeconds"],
  ],
  "a watched link, or flow, is looked at, with all others of the process; a silent stream of a link says that it goes on":
    [
      ["src/work/shared-look.ts", "lookMs"],
      ["src/domain/links/watch-link.ts", "silenceMs"],
      ["src/work/shared-look.ts", "maxFailures"],
    ],
  "a connection that a product's page watches (`/oauth/flows/{flow}`): while a person reads or decides; while we exchange and store; closed, and nothing moves":
    [
      ["src/domain/connecting/start-install.ts", "attemptSeconds"],
      ["src/domain/flows/flow-progress.ts", "stateSeconds.finishing"],
      ["src/domain/flows/flow-standing.ts", "abandonedMs"],
    ],
  "a request for a flow that has not begun; a silent stream says that it goes on; the page asks again where a stream ended early":
    [["src/web/browser/flows/flow-route.ts", "patienceMs", "silenceMs", "retryMs"]],
  "streams of flows, and apart from them requests that wait for one to begin: of one flow; of one network (IPv6: /64); of all":
    [["src/web/browser/flows/flow-route.ts", "flowPlaces.ofFlow", "flowPlaces.ofNetwork", "flowPlaces.inAll"]],
  "an account's older secret beside one that nobody has used; an account that nobody uses; its use is written": [
    ["src/domain/links/link-account.ts", "rotationMs", "unusedMs", "usedEveryMs"],
  ],
  "completion code": [["src/domain/connecting/keep-connection.ts", "completionMs"]],
  "undoing what nobody completed": [
    [jobs, "expire pending"],
    ["src/storage/connecting/pending-undo.ts", "interruptedAfterMs"],
  ],
  "a live grant is refreshed when a consent has spent its refresh token (Slack)": [
    ["src/domain/connecting/keep-connection.ts", "personWaitsMs"],
  ],
  "storing a finished exchange while the database is away": [
    ["src/domain/connecting/keep-connection.ts", "storeForMs"],
  ],
  "interrupted revocation": [
    ["src/domain/installations/revoke-installation.ts", "interruptedAfterMs"],
    [jobs, "finish revocations"],
  ],
  "registering a webhook: its lease; a person, and the start, wait": [
    [webhookTimes, "registrationLeaseMs"],
    ["src/domain/webhooks/webhooks.ts", "personWaitsMs"],
    [startApp, "webhooksAtStartMs"],
  ],
  "what an event withholds: asked about; of one platform at once; at most of one installation's credentials": [
    [jobs, "ask what platforms told"],
    [asking, "leaseMs", "concurrency", "maxAskedWith", "several"],
  ],
  "between tries while the platform does not answer; before a contradiction is believed; a look after it": [
    [asking, "retryMs.first", "retryMs.most", "contradictedMs"],
    ["src/domain/reconciling/judge-answers.ts", "lookAgainMs"],
    [asking, "several", "roundMs"],
  ],
  "what no event told (reconciliation)": [
    [jobs, "ask what nobody told"],
    ["src/storage/reconciling/open-routine.ts", "partRows"],
    [asking, "routineMs", "retryMs.routine"],
  ],
  "a site that a grant does not reach any more (Atlassian)": [
    [asking, "goneMs"],
    [doubt, "persistenceMs"],
  ],
  "gauges of what is stored, and how many installations a platform has": [
    ["src/storage/counting/stretches.ts", "stretch.first", "stretch.aimMs"],
    ["src/storage/counting/live-installations.ts", "rest"],
    ["src/telemetry/service-gauges.ts", "patienceMs"],
  ],
  "events that wait; rows by key, and of other clients": [
    ["src/storage/counting/statistics.ts", "mostWaiting"],
    ["src/storage/counting/most-counted.ts", "mostCounted"],
  ],
  "a webhook is looked at: due ones; one that is registered; after a failure": [
    [jobs, "keep webhooks"],
    [webhookTimes, "checkMs", "retryMs.first", "retryMs.most"],
  ],
  "installations that have no webhook yet, or one that is due and no token to ask with": [
    ["src/storage/webhooks/due-webhooks.ts", "portion"],
    ["src/domain/webhooks/site-webhooks.ts", "mostParts"],
    ["src/storage/webhooks/webhooks.ts", "withoutTokenMs"],
  ],
  "a site's webhook (Jira drops it after 30 days)": [
    [webhookTimes, "renewMs"],
    ["src/domain/webhooks/site-webhooks.ts", "concurrency", "roundMs", "mostAtStart"],
    ["src/storage/webhooks/webhooks.ts", "otherAddressMs"],
  ],
  "a site that sends no events is silent": [
    [webhookTimes, "silentAfterMs.first", "silentAfterMs.next"],
    ["src/domain/deliveries/heard-of.ts", "notedForMs", "maxNoted"],
  ],
  "a revocation waits for a token, and for the webhook to be removed, each": [
    ["src/domain/webhooks/remove-webhooks.ts", "revocationWaitsMs"],
  ],
  "how an attempt ended, for its browser to look at again": [
    ["src/web/browser/results/kept-results.ts", "resultSeconds", "mostResults", "mostCharacters"],
    ["src/web/browser/results/result.ts", "namedInstallations"],
  ],
  "the popup helper at its page: a copy of it; looks at the flow beside its stream; for the page with the completion code; for a popup that never came; for a service that does not answer":
    [
      ["src/web/browser/connect-script.ts", "maxAgeSeconds"],
      ["client/src/connect/watch-flow.ts", "firstPauseMs", "longestPauseMs", "besideStreamMs"],
      ["client/src/connect/connect.ts", "codeMs", "arrivalMs", "longestFlowMs"],
    ],
  "the popup's page waits for its opener": [["client/src/connect/result-page.ts", "receiptMs"]],
  "what binds the form of the link page to its browser": [["src/web/browser/links/page-token.ts", "maxAgeSeconds"]],
  "body about link codes: a form; a request; all that are under way": [
    ["src/web/browser/links/link-page-route.ts", "maxBytes"],
    ["src/web/browser/links/start-route.ts", "maxBytes"],
    ["src/web/browser/links/link-routes.ts", "bodiesBytes"],
  ],
  "starts, and forms of the link page; callbacks of one address (IPv6: /64)": [
    ["src/web/browser/public-app.ts", "starts.most", "callbacks.most", "starts.windowSeconds"],
    [jobs, "forget rates"],
  ],

  "body of a delivery; all that are under way": [
    "WEBHOOK_MAX_BYTES",
    ["src/platforms/deliveries.ts", "usualMaxBytes"],
    ["src/web/browser/public-app.ts", "bodiesBytes"],
  ],
  "age of Slack's signature, to either side; how far Atlassian's clock may be off": [
    ["src/platforms/slack/webhooks.ts", "maxAgeSeconds"],
    ["src/platforms/atlassian/webhook-token.ts", "toleranceSeconds"],
  ],
  "keeping what has arrived": [
    ["src/domain/deliveries/receive-delivery.ts", "commitsApartMs", "batchRows", "batchBytes"],
  ],
  "sending an event on": [
    [forwarder, "own.atOnce", "own.waiting"],
    ["src/domain/deliveries/receive-delivery.ts", "smallBytes"],
    [jobs, "forward events"],
    [forwarder, "due.atOnce", "dueBytes", "answerMs"],
  ],
  "sending an alert": [[jobs, "send alerts"]],
  "an event that did not arrive": [[forwarder, ...delays.map((name) => `afterMs.${name}`)]],
  "changes of ours to be sent on": [
    [jobs, "forward changes"],
    ["src/domain/deliveries/own-changes.ts", "readRows"],
  ],
  "a delivery known again": [
    [jobs, "deliveryDays"],
    [jobs, "forget deliveries"],
  ],
  "working off a delivery": [
    [deliveryWork, "own.atOnce", "own.waiting"],
    ["src/domain/deliveries/delivery-lease.ts", "leaseMs"],
    [jobs, "work off deliveries"],
    [deliveryWork, "left.atOnce"],
  ],
  "a delivery that could not be worked off": [[deliveryWork, "firstDelayMs", "mostAttempts"]],

  "audit repeats and `last_used_at`, per caller, token, installation and network": [
    [growingWindows, "firstWindowMs", "windowGrowth", "longestWindowMs", "maxWindows"],
    ["src/domain/tokens/hand-out.ts", "maxRows"],
    [growingWindows, "forgottenAfterMs"],
  ],
  "events no call waits for (refused calls, refreshes, suspensions)": [[jobs, "flush counts"]],
  "refused callbacks of one state": [
    [
      "src/domain/connecting/refused-callbacks.ts",
      ...["maxStates", "ownRows", "firstWindowMs", "windowGrowth", "longestWindowMs"],
    ],
  ],
  "a chain at rest": [["src/storage/record/chain-writer.ts", "restMs"]],
  "other chains seen": [
    [jobs, "witness the record"],
    ["src/storage/record/witness.ts", "maxChains"],
  ],
  "pruning of the record": [
    "AUDIT_RETENTION_DAYS",
    [jobs, "prune the record"],
    ["src/storage/record/prune.ts", "batchRows"],
    ["src/domain/record/upkeep.ts", "dayMs"],
    ["src/storage/database-clock.ts", "backMs", "mostMs"],
  ],

  "the service's time: the database's, carried on by the machine's count of time (ADR 17)": [
    [jobs, "ask the database for the time"],
    ["src/world/clock.ts", "noticedSkewMs", "stepMs"],
  ],
  "database: connect with TLS, and log in": [[pool, "connectTimeoutSeconds"]],
  "one of several database servers that failed, only reads, or brings no answers, while none is known to take writes": [
    ["src/storage/postgres/server-choice.ts", "restMs"],
  ],
  "database: reading; writing; transaction": [
    [pool, "deadlineMs.read", "deadlineMs.write", "deadlineMs.transaction", "missesBeforeRebuild", "wrongNodeMs"],
  ],
  "database at start": [["src/storage/postgres/open.ts", "openTimeoutMs"]],
  migrations: [["src/storage/postgres/migrate.ts", "lockWait.lookMs", "lockWait.endMs"]],
  "health check of the database: the lock of one row of `meta`, taken and given back": [[startApp, "check database"]],

  certificates: [[jobs, "reload certificates"]],
  "age of a connection: gRPC; HTTP": [
    [connectionLimits, "maxConnectionAgeMs", "ageGraceMs"],
    [listen, "maxConnectionAgeMs"],
  ],
  "idle connection: gRPC; HTTP": [
    [connectionLimits, "idleMs"],
    [listen, "keepAliveTimeout"],
  ],
  "TLS handshake; a whole request over HTTP; over gRPC": [
    ["src/tls/server-options.ts", "handshakeTimeout"],
    [listen, "requestTimeoutMs"],
    [patience, "defaultPatience.requestMs"],
  ],
  "a reflection client's questions; an answer that nobody reads over gRPC; over HTTP/1.1": [
    [patience, "defaultPatience.questionsMs", "defaultPatience.callMs"],
    [listen, "silenceTimeoutMs"],
  ],
  "health watches and reflection streams at once": [
    ["src/rpc/grpc/open-streams.ts", "defaultLimits.perConnection", "defaultLimits.inAll"],
  ],
  "watching installations: silence; a reader that takes nothing": [
    ["src/domain/watching/watch-installations.ts", "defaultSilenceMs"],
    ["src/rpc/streams/dispatch-stream.ts", "patienceMs"],
  ],
  "streams of one caller; of all; whether their callers still may": [
    ["src/rpc/streams/open-calls.ts", "most.perCaller", "most.inAll"],
    [jobs, "check streams"],
  ],
  "changes in memory for who watches; read without the feed": [
    ["src/domain/watching/change-tail.ts", "maxRecent", "pollMs", "batch", "maxFailures"],
  ],
  "calls at once on a gRPC connection; its reset streams": [
    [connectionLimits, "maxConcurrentStreams"],
    ["src/rpc/grpc/session-guard.ts", "allowedResets.burst", "allowedResets.perSecond", "heldMs"],
  ],
  "body of a request: HTTP; gRPC": [
    ["src/web/body-limits.ts", "maxBytes"],
    [connectionLimits, "maxRequestBytes"],
  ],
  "headers of a request: HTTP; gRPC": [
    [listen, "maxHeaderSize"],
    [connectionLimits, "maxHeaderListSize", "maxHeaderListPairs"],
  ],
  "lines of the log": [
    ["src/world/line-output.ts", "maxBufferedBytes"],
    ["src/main.ts", "farewellMs"],
  ],
  shutdown: ["DRAIN_SECONDS"],
  "pages that the embedded database holds": [["src/storage/embedded/files.ts", "sharedBuffersBytes"]],
  "log of the embedded database since its last checkpoint": [
    [jobs, "keep the database up"],
    ["src/storage/embedded/checkpoints.ts", "logBytes"],
  ],
  "an embedded database that has ended itself": [["src/storage/embedded/keep-running.ts", "retryMs", "minRoomBytes"]],
  "a backup's reader that takes nothing; copies at once": [["src/storage/embedded/backup/door.ts", "patienceMs"]],
  "import into Postgres: a statement; waiting for others' locks": [
    ["src/storage/moving/move-to-postgres.ts", "limits.statementMs", "limits.lockMs"],
  ],
  "oauth-token: a request; its answer; the keyring": [
    ["client/src/cli/service/call-service.ts", "timeoutMs", "maxBytes"],
    ["client/src/cli/accounts/keyring.ts", "longestMs"],
  ],
  "oauth-token `exec --file` and `sync` ask for the next token": [
    ["client/src/cli/fresh/keep-fresh.ts", "betweenMs.least", "betweenMs.most", "retryMs.first", "retryMs.most"],
  ],
  "import from an earlier service: a statement there; waiting for others' locks": [
    ["src/storage/moving/earlier/read-rows.ts", "limits.statementMs", "limits.lockMs"],
  ],
  "a client's call in all, retries included; tries of a service that is not reached; times it is asked where it says when":
    [
      ["client/src/settings.ts", "defaultTimeoutMs"],
      ["client/src/calls/calls.ts", "defaultTries", "firstPauseMs", "mostAttempts"],
    ],
  "a client's gRPC connection: ping while a call is under way, its answer; reconnecting": [
    ["client/src/calls/grpc.ts", "pingMs.after", "pingMs.patience", "reconnectMs.first", "reconnectMs.most"],
  ],
  "a client's tokens": [
    ["client/src/tokens/tokens.ts", "mostSelectors"],
    ["client/src/tokens/age.ts", "marginMs", "endlessMs"],
  ],
  "a client's static token while the service cannot be reached": [["client/src/tokens/tokens.ts", "standInPatienceMs"]],
  "a client's watch: silence on a stream; pause before the next; told in the log": [
    ["client/src/installations/watch.ts", "silenceMs", "pauseMs.first", "pauseMs.most", "toldAfter"],
  ],
};
