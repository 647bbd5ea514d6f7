/** One authorization check, and what the source says without it or with its opposite. */
export interface Mutant {
  readonly name: string;
  readonly file: string;
  /** Stands there exactly once. */
  readonly original: string;
  readonly mutated: string;
  /** What is meant to notice first; if it does not, all of `policyTests` get their turn. */
  readonly tests: readonly string[];
}

export const policyTests = "test/policy";

const rules = ["test/policy/access.test.ts"];
const ceilings = ["test/policy/permission-ceiling.test.ts"];
const matrix = ["test/policy/matrix-on-postgres.test.ts"];
const random = ["test/policy/random-rules.test.ts"];
const changes = ["test/policy/changes.test.ts"];
const doors = ["test/policy/doors.test.ts"];
const watching = ["test/domain/watching/watch-installations.test.ts"];
const streams = ["test/rpc/streams.test.ts"];
const links = ["test/policy/links.test.ts"];
const makesLinks = ["test/domain/connecting/create-install-link.test.ts"];
const outlived = ["test/domain/connecting/outlived-links.test.ts"];
const finished = ["test/domain/connecting/finish-install.test.ts"];
const accounts = ["test/domain/links/accounts.test.ts"];
const linkCodes = ["test/domain/links/link-codes.test.ts"];
const watchesLinks = ["test/domain/links/watch-link.test.ts"];
const record = ["test/policy/changes.test.ts", "test/domain/record/list-events.test.ts"];
const callers = ["test/callers", "test/policy/issuers.test.ts"];
const linkPrograms = ["test/web/browser/links/programs.test.ts"];
const linkPage = ["test/web/browser/links/page.test.ts"];
const linkAccounts = ["test/web/browser/links/accounts.test.ts"];
const consoleSessions = ["test/web/console/sessions.test.ts"];
const consoleForms = ["test/web/console/forms.test.ts", "test/web/console/connect.test.ts"];
const consoleDeeds = ["test/web/console/connection.test.ts"];
const storageContract = ["test/storage/contract-on-embedded.test.ts"];
const remembered = ["test/policy/remembered.test.ts"];

export const mutants: readonly Mutant[] = [
  ...of("src/domain/links/account-access.ts", accounts, [
    ["an account gets what moved to another owner", "seen === product && of === owner", "seen === product"],
    [
      "an account outlives the right of its caller",
      "if (access === undefined || !access.sees(account.product, account.owner)) {",
      "if (access === undefined) {",
    ],
    ["an account has no ceiling", "    ceiling,\n", "    ceiling: () => undefined,\n"],
  ]),
  ...of("src/web/console/own-request.ts", consoleForms, [
    ["another port is this site", 'site === "same-origin"', 'site !== "cross-site"'],
    ["any origin is ours", "new URL(origin).host === host?.toLowerCase()", "true"],
  ]),
  ...of("src/web/console/form-tokens.ts", consoleForms, [
    ["any token is this session's", "sealed.open(sent) === id", "sealed.open(sent) !== undefined"],
  ]),
  ...of("src/web/console/visits.ts", consoleForms, [
    ["a page's form is from anywhere", "isOwnRequest(request) ? await", "true ? await"],
    [
      "a form needs no token",
      'if (session === undefined || !formTokens.holds(session, fields.get("token"))) {',
      "if (session === undefined) {",
    ],
    [
      "signing in needs no token",
      'if (session !== undefined && formTokens.holds(session, fields.get("token"))) return fields;',
      "return fields;",
    ],
  ]),
  ...of("src/web/console/sessions.ts", consoleSessions, [
    ["a session does not end", "now().getTime() < endOf(session) ? session : undefined", "session"],
    ["nobody is idle", "Math.min(beganAt + sessionMs, seenAt + idleMs)", "beganAt + sessionMs"],
    ["a session is renewed for ever", "Math.min(beganAt + sessionMs, seenAt + idleMs)", "seenAt + idleMs"],
  ]),
  ...of("src/web/console/connection/allowed.ts", consoleDeeds, [
    ["who vouches for nobody is offered links", "vouches(access, product, owner)", "access.sees(product, owner)"],
    [
      "revoking is offered for any owner",
      'access?.sees(product, owner === "" ? undefined : owner) === true',
      "access !== undefined",
    ],
  ]),
  ...of("src/web/console/sign-in/console-path.ts", consoleSessions, [
    ["a sign-in leads anywhere", "origin !== here || !isPage || ", ""],
  ]),
  ...of("src/domain/links/account-token.ts", accounts, [
    ["an account gets whatever is natural by now", "platform, actor, externalUserId };", "platform };"],
    ["a nameless person is anybody", " || externalUserId === account.externalUserId;", " || true;"],
  ]),
  ...of("src/domain/links/known-account.ts", accounts, [
    ["any secret is an account's", "isSameHash(account.secretHash, hash)", "true"],
    ["an older secret does not end", "previous.until > now && ", ""],
  ]),
  ...of("src/domain/links/forget-account.ts", accounts, [
    ["any caller forgets any account", " && by.call.access.sees(account.product, account.owner)", ""],
    ["it may end what it may not revoke", 'if ("call" in by) await checkMayEnd(alone, by.call);', ""],
  ]),
  ...of("src/domain/links/poll-link.ts", linkCodes, [
    ["a code is enough to poll", "isSameHash(link.secretHash, pollSecret.fingerprint())", "true"],
  ]),
  ...of("src/domain/links/watch-link.ts", watchesLinks, [
    ["other owners' links are watched", " || !call.access.sees(link.product, link.owner)", ""],
  ]),
  ...of("src/domain/connecting/link-policy.ts", accounts, [
    ["a code needs the right to make links", 'isCode ? "StartLink" : "CreateInstallLink"', '"CreateInstallLink"'],
  ]),
  ...of("src/domain/access/access.ts", rules, [
    [
      "a rule counts for other methods",
      "all.filter((rule) => includes(rule.methods, method))",
      "all.filter(() => true)",
    ],
    ["no rule names the method", "if (rules.length === 0) throw", "if (rules.length === -1) throw"],
    ["everything is seen", "rules.some((rule) => covers(rule, product, owner))", "true"],
    [
      "one rule of everything lifts all ceilings",
      "seesEverything(rule) && rule.ceilings.size === 0",
      "seesEverything(rule)",
    ],
    ["look-ups see every product's rules", "rules.filter((rule) => includes(rule.products, product)));", "rules);"],
    ["look-ups see everything", "everything ? sightOfEverything : visible(product)", "sightOfEverything"],
    ["the platform is not checked", "product === undefined || includes(rule.products, product)", "true"],
    ["no rule has the platform", "if (ofProduct.length === 0) throw", "if (ofProduct.length === -1) throw"],
    ["the owner is not checked", "owner === undefined || includes(rule.owners, owner)", "true"],
    ["no rule has the owner", "if (fitting.length === 0) throw", "if (fitting.length === -1) throw"],
    ["owner and platform of different rules", "ofProduct.filter((rule) => owner", "rules.filter((rule) => owner"],
    ["permissions are not checked before the look-up", "most === undefined || isWithin(permissions, most)", "true"],
    ["ceilings of rules of other platforms", "if (!includes(products, product)) continue;", ""],
    [
      "permissions are not checked without a platform",
      "product === undefined ? narrowable(fitting) : [product]",
      "product === undefined ? [] : [product]",
    ],
    ["permissions have to fit every product", "!meant.some(allowed)", "!meant.every(allowed)"],
    ["no ceiling", "return covering.length === 0 ? {} : mostOf(covering, product);", "return undefined;"],
    ["what no rule covers has no ceiling", "covering.length === 0 ? {} : mostOf", "mostOf"],
    [
      "ceilings of rules that do not cover",
      "const covering = rules.filter((rule) => covers(rule, product, owner));",
      "const covering = rules;",
    ],
    ["the first ceiling alone", "highest(most, ceiling)", "most"],
    [
      "a rule without ceiling adds nothing",
      "if (ceiling === undefined) return undefined;",
      "if (ceiling === undefined) continue;",
    ],
    [
      "all platforms are enough to see everything",
      'return products === "all" && owners === "all";',
      'return products === "all";',
    ],
    [
      "all owners are enough to see everything",
      'return products === "all" && owners === "all";',
      'return owners === "all";',
    ],
    ["the platform does not cover", "return includes(products, product) && (owner", "return (owner"],
    ["the owner does not cover", '(owner === undefined ? owners === "all" : includes(owners, owner));', "true;"],
    ["no owner is everybody's", '(owner === undefined ? owners === "all" :', "(owner === undefined ? true :"],
    ["every name is listed", 'return names === "all" || names.has(name);', "return true;"],
    ["what is visible is shown as any product", '(products === "all" || products.includes(product)) &&', ""],
    [
      "what is visible is shown to any owner",
      '(owners === "all" || (owner !== undefined && owners.includes(owner))),',
      "true,",
    ],
    [
      "callers who see different things share memory",
      "return { key: JSON.stringify(seen), rules: seen };",
      'return { key: "", rules: seen };',
    ],
  ]),
  ...of("src/domain/access/access.ts", matrix, [
    [
      "one's owner is not looked at",
      "products.some((product) => access.sees(product, owner))",
      "products.some((product) => access.sees(product, undefined))",
    ],
    [
      "the owner of what is ended is not looked at",
      "products.every((product) => access.sees(product, owner))",
      "products.every((product) => access.sees(product, undefined))",
    ],
    ["every product has to be seen", "products.some((product) => access", "products.every((product) => access"],
  ]),
  ...of("src/domain/access/permission-ceiling.ts", ceilings, [
    [
      "the lower level of two",
      "if (!includes(most[name], level)) most[name] = level;",
      "if (includes(most[name], level)) most[name] = level;",
    ],
    ["one permission within is enough", "Object.entries(asked).every(", "Object.entries(asked).some("],
    ["everything is within", "includes(ceiling[name], level));", "true);"],
    ["all of the ceiling, granted or not", "if (has !== undefined) shared", "shared"],
    [
      "the higher level of granted and ceiling",
      "includes(level, has) ? has : level",
      "includes(level, has) ? level : has",
    ],
    [
      "a permission that is not there is had",
      "if (has === undefined) return false;",
      "if (has === undefined) return true;",
    ],
    ["levels are not compared", "permissionLevels.indexOf(has) >= permissionLevels.indexOf(wanted)", "true"],
    ["unknown levels are lowest", "(permissionLevels.includes(wanted) && permissionLevels", "(permissionLevels"],
  ]),
  ...of("src/domain/tokens/get-token.ts", matrix, [
    [
      "nothing is checked before the look-up",
      "call.access.check(selector.platform, selector.owner, request.narrowing?.permissions);",
      "",
    ],
    [
      "the owner is not passed on",
      "call.access.check(selector.platform, selector.owner, ",
      "call.access.check(selector.platform, undefined, ",
    ],
    [
      "the platform is not passed on",
      "call.access.check(selector.platform, selector.owner, ",
      "call.access.check(undefined, selector.owner, ",
    ],
    ["the permissions are not passed on", "selector.owner, request.narrowing?.permissions);", "selector.owner);"],
    ["rules of other products show", "call.access.visible(selector.platform)", "call.access.visible(undefined)"],
    [
      "the warm path knows no ceiling",
      "if (platform.narrowing && call.access.ceiling(selected.product, installation.owner) !== undefined) return undefined;",
      "",
      changes,
    ],
    [
      "the warm path does not look at the narrowing",
      "if (request.narrowing !== undefined || installation",
      "if (installation",
      matrix,
    ],
    [
      "no second wall on the warm path",
      "checkSeen(selected, request, call);\n    checkHost(selected);\n    if (platform",
      "checkHost(selected);\n    if (platform",
      remembered,
    ],
    [
      "no second wall",
      "checkSeen(selected, request, call);\n    checkHost(selected);\n    const narrowing",
      "checkHost(selected);\n    const narrowing",
      remembered,
    ],
    [
      "the second wall stands open",
      "if (!access.sees(product, installation.owner)) throw",
      "if (!access.sees(product, installation.owner) && false) throw",
      remembered,
    ],
    ["there is no ceiling", "if (ceiling === undefined) return narrowing;", "return narrowing;"],
    ["asked permissions are not compared with the ceiling", "if (!isWithin(asked, ceiling))", "if (false)"],
    ["no permission at all is asked for", "if (Object.keys(permissions).length === 0) {", "if (false) {"],
    [
      "the request overrules the ceiling",
      "{ repositoryIds: [], repositories: [], ...narrowing, permissions }",
      "{ repositoryIds: [], repositories: [], permissions, ...narrowing }",
    ],
    [
      "the ceiling forgets the repositories",
      "{ repositoryIds: [], repositories: [], ...narrowing, permissions }",
      "{ repositoryIds: [], repositories: [], permissions }",
    ],
    [
      "the narrowing is not minted",
      "narrowing === undefined\n        ? await current",
      "true\n        ? await current",
    ],
    [
      "a hand-out on the warm path is not on record",
      "if (!handOut.repeat(issued, call)) return undefined;",
      "",
      changes,
    ],
  ]),
  ...of("src/domain/tokens/select-installation.ts", matrix, [
    [
      "selectors see everything",
      "installations.select(selector, visible, lookAhead)",
      'installations.select(selector, { key: "", rules: [{ products: "all", owners: "all" }] }, lookAhead)',
    ],
    [
      "the first product, seen or not",
      "products.find((product) => shows(visible, product, owner)) ?? platform",
      "products[0] ?? platform",
    ],
  ]),
  ...of("src/domain/tokens/selection-cache.ts", remembered, [
    [
      "memory is everybody's",
      'return key === "" ? selectorKey(selector) :',
      'return key !== "never" ? selectorKey(selector) :',
    ],
  ]),
  ...of("src/storage/conditions.ts", random, [
    ["everything is visible", "return or(...rules.map(fits)) ?? sql`false`;", "return undefined;"],
    [
      "no rule shows everything",
      "return or(...rules.map(fits)) ?? sql`false`;",
      "return or(...rules.map(fits));",
      remembered,
    ],
    ["one rule of all owners is enough", 'products === "all" && owners === "all"', 'owners === "all"'],
    ["one rule of all products is enough", 'products === "all" && owners === "all"', 'products === "all"', remembered],
    [
      "every product is visible",
      'products === "all" ? undefined : arrayOverlaps(installations.products, [...products]),',
      "undefined,",
    ],
    [
      "every owner's is visible",
      'owners === "all" ? undefined : inArray(installations.owner, [...owners]),',
      "undefined,",
    ],
    [
      "naming no owner is naming all",
      "products.length === 0 || owners.length === 0) return sql`false`;",
      "products.length === 0 || owners.length === 0) return sql`true`;",
      remembered,
    ],
  ]),
  ...of("src/storage/installations/select.ts", random, [
    [
      "selectors see everything in the database",
      "and(matches(selector), isVisible(visible))",
      "and(matches(selector))",
    ],
  ]),
  ...of("src/storage/health/concerns.ts", storageContract, [
    ["what needs a person is listed of everybody", ", isVisible(visible)))", "))"],
  ]),
  ...of("src/storage/installations/list.ts", random, [
    ["lists see everything in the database", "    isVisible(visible),\n", ""],
  ]),
  ...of("src/domain/tokens/granted-permissions.ts", matrix, [
    ["what was granted is not looked at", "lowest(known(selected) ?? ceiling, ceiling)", "ceiling"],
    ["the ceiling is not looked at", "lowest(known(selected) ?? ceiling, ceiling)", "known(selected) ?? ceiling"],
  ]),
  ...of("src/domain/installations/list-installations.ts", matrix, [
    ["lists are not checked before the look-up", "access.check(filter.platform, filter.owner);", ""],
    [
      "the list's owner is not passed on",
      "access.check(filter.platform, filter.owner);",
      "access.check(filter.platform, undefined);",
    ],
    [
      "the list's platform is not passed on",
      "access.check(filter.platform, filter.owner);",
      "access.check(undefined, filter.owner);",
    ],
    [
      "lists see everything",
      "access.visible(filter.platform)",
      '{ key: "", rules: [{ products: "all", owners: "all" }] }',
    ],
    ["lists see rules of other products", "access.visible(filter.platform)", "access.visible(undefined)"],
    [
      "single installations are shown to everybody",
      "installation === undefined || !seesAny(access, installation)",
      "installation === undefined",
    ],
  ]),
  ...of("src/domain/access/access.ts", matrix, []),
  ...of("src/domain/installations/revoke-installation.ts", matrix, [
    [
      "everybody revokes",
      "installation === undefined || !seesAny(call.access, installation)",
      "installation === undefined",
    ],
    ["who sees one product revokes all", "!seesAll(call.access, installation)", "false"],
  ]),
  ...of("src/rpc/page-tokens.ts", changes, [
    ["page tokens lead on in any list", "if (listHash !== hashOfList(list)) {", "if (false) {"],
    [
      "made-up page tokens begin anew",
      'throw invalidField("page_token", "must be the next_page_token of a previous response");',
      "return undefined;",
    ],
    [
      "the list is not in the token",
      "JSON.stringify([createdAt.getTime(), id, hashOfList(list)])",
      "JSON.stringify([createdAt.getTime(), id, hashOfList([])])",
    ],
  ]),
  ...of("src/rpc/methods/list-installations.ts", changes, [
    ["page tokens are not the caller's own", '["installations", call.caller, platform', '["installations", platform'],
    [
      "page tokens are not the RPC's own",
      '["installations", call.caller, platform, status, externalOrgId, externalInstallId, owner, search]',
      '["audit", call.caller, undefined, undefined, undefined, undefined, undefined]',
    ],
    [
      "page tokens forget the owner",
      "externalOrgId, externalInstallId, owner, search];",
      "externalOrgId, externalInstallId, search];",
    ],
    [
      "page tokens forget the platform",
      '["installations", call.caller, platform, status',
      '["installations", call.caller, status',
    ],
    [
      "page tokens forget the status",
      "platform, status, externalOrgId, externalInstallId, owner, search];",
      "platform, externalOrgId, externalInstallId, owner, search];",
    ],
  ]),
  ...of("src/rpc/methods/list-audit-events.ts", changes, [
    [
      "page tokens of the record are not the caller's own",
      '["audit", call.caller, installationId',
      '["audit", installationId',
    ],
  ]),
  ...of("src/rpc/dispatch.ts", doors, [
    [
      "nobody proves anything",
      "const proven = authenticate(running.incoming);",
      'const proven = import("../domain/access/caller.ts").then((all) => all.anonymous);',
    ],
  ]),
  ...of("src/domain/watching/watch-installations.ts", watching, [
    ["watches are not checked before the look-up", "access.check(filter.platform, filter.owner);", ""],
    ["watches see everything", "shows(visible, product, owner)", "true"],
    ["watches show what it became at another owner", "sees(installation) ? installation : before", "installation"],
  ]),
  ...of("src/storage/watching/installation-changes.ts", watching, [
    ["watches show how it fares at another owner", "now?.installation.owner === facts.owner", "true"],
  ]),
  ...of("src/rpc/streams/dispatch-stream.ts", streams, [
    ["streams outlive their right", "keepSight(caller, await authenticate(incoming), call.method)", "undefined"],
    ["streams outlive what their caller may see", "sight === before.access(method).visible(undefined).key", "sight"],
  ]),
  ...of("src/rpc/streams/open-calls.ts", streams, [
    ["streams are not looked at again", "await call.stillAllowed();", ""],
    ["a caller has any number of streams", "if (already >= perCaller)", "if (already < 0)"],
  ]),
  ...of("src/rpc/call-checks.ts", doors, [["rates are not kept to", "keepToRates(limiter, call.access);\n", ""]]),
  ...of("src/domain/access/rate-limiter.ts", doors, [
    ["rates are counted and not kept to", "if (waitMs <= 0) continue;", "if (waitMs >= 0) continue;"],
  ]),
  ...of("src/rpc/incoming-calls.ts", doors, [
    ["everybody may call every method", "caller.access(arrival.method)", 'caller.access("ListInstallations")'],
    ["the record names somebody else", "this.caller = caller.name;", 'this.caller = "anonymous";', changes],
  ]),
  ...of("src/domain/connecting/create-install-link.ts", links, [
    ["links are not checked before the look-up", "call.access.check(product, request.owner);", ""],
    ["everybody reconnects", " || !seesAny(access, found)) {", ") {"],
    ["reconnecting changes the owner", "if (owner !== reconnected.owner) throw", "if (false) throw", makesLinks],
    ["links of no owner are everybody's", "if (!access.sees(product, owner)) {", "if (false) {"],
    ["everybody vouches", "if (completeInCallback && !vouches(access, product, owner)) {", "if (false) {", makesLinks],
  ]),
  ...of("src/domain/connecting/link-policy.ts", makesLinks, [
    ["any rule vouches", "covers(rule, product, owner) && rule.completeInCallback", "rule.completeInCallback"],
    ["any rule's origins", "rules.filter((rule) => covers(rule, product, owner))", "rules.filter(() => true)"],
  ]),
  ...of("src/domain/connecting/link-policy.ts", outlived, [
    [
      "links outlive who made them",
      'if (access === undefined || !access.sees(product, owner)) return "',
      'if (false) return "',
    ],
    ["links outlive the owners of who made them", " || !access.sees(product, owner)) return", ") return"],
    [
      "links outlive the right to vouch",
      "if (owner !== undefined && !awaitsOwner && !vouches(",
      "if (false && !vouches(",
    ],
    ["links outlive their origins", "parseReturnTo(returnTo, allowed) === undefined ?", "false ?"],
  ]),
  ...of("src/domain/connecting/finish-install.ts", outlived, [
    ["callbacks ask nobody", "if (withdrawn !== undefined) return failed(withdrawn, platform.name);", ""],
  ]),
  ...of("src/domain/connecting/attempt-meant.ts", finished, [
    ["saved settings are of any open attempt", "others.every((other) => isSameErrand(latest, other))", "true"],
    ["saved settings are of any owner's attempt", "a.owner === b.owner && ", ""],
    ["saved settings are of any link's attempt", " && isDeepStrictEqual(a.link, b.link)", ""],
  ]),
  ...of("src/domain/connecting/keep-connection.ts", outlived, [
    [
      "nobody is asked at the end",
      'if (withdrawn !== undefined) return { kind: "failed" as const, failure: withdrawn };',
      "",
    ],
  ]),
  ...of("src/domain/connecting/start-from-link.ts", outlived, [
    ["links begin without asking", "if (failure !== undefined) return refused(platform.name, failure, returnTo);", ""],
  ]),
  ...of(
    "src/domain/flows/watch-flow.ts",
    ["test/domain/flows/watch-flow.test.ts"],
    [
      [
        "pages of any origin watch a flow",
        "returnOrigin === undefined ? origins.has(origin) : returnOrigin === origin",
        "true",
      ],
      ["any page says that a popup is closed", 'if (!mayLook(flow, origin)) return "other_origin";', ""],
    ],
  ),
  ...of("src/domain/connecting/return-to.ts", makesLinks, [
    ["links lead back to any origin", "anonymous && allowed.has(url.origin) ? url", "anonymous ? url"],
  ]),
  ...of("src/web/browser/links/start-route.ts", linkPrograms, [
    ["anybody names an owner for a link code", "if (!ownersAreBelieved && ", "if (false && "],
  ]),
  ...of("src/web/browser/links/poll-route.ts", linkPrograms, [
    ["a poll needs no secret", "if (pollSecret === undefined) return answerUnknown(response);", ""],
  ]),
  ...of("src/web/browser/links/link-page-route.ts", linkPage, [
    [
      "forms of other sites decide",
      'if (!pageTokens.holds(request, fields.get("token"))) return refuse(response, form, notThisBrowser);',
      "",
    ],
  ]),
  ...of("src/web/browser/links/page-token.ts", linkPage, [
    ["any form goes with any cookie", "return timingSafeEqual(Buffer.from(known), Buffer.from(sent));", "return true;"],
  ]),
  ...of("src/web/browser/links/account-routes.ts", linkAccounts, [
    [
      "where callers are not told apart everybody ends accounts",
      "if (admitRevoker === undefined || authorization === undefined) return answerUnknown(response);",
      "if (admitRevoker === undefined) return answerForgotten(response);\n    if (authorization === undefined) return answerUnknown(response);",
    ],
    ["an account is ended without a right", "const call = await admitRevoker({", "const call = ({} as never) ?? ({"],
  ]),
  ...of(
    "src/domain/record/admit.ts",
    ["test/end-to-end/callers.test.ts"],
    [["what is no RPC needs no right", "caller.access(method)", 'caller.access("GetToken")']],
  ),
  ...of("src/domain/connecting/complete-install.ts", links, [
    ["codes are not checked before the look-up", "call.access.check(undefined, owner);", ""],
    ["codes of every product are completed", "call.access.check(pending.link.product, owner);", ""],
    [
      "codes of every owner are completed",
      "if (pending.owner !== undefined && pending.owner !== owner) {",
      "if (false) {",
    ],
  ]),
  ...of("src/domain/connecting/complete-install.ts", outlived, [
    [
      "codes outlive the policy",
      "if (linkPolicy({ facts: pending.link, owner, returnTo: undefined }) !== undefined) {",
      "if (false) {",
    ],
  ]),
  ...of("src/domain/record/list-events.ts", record, [
    [
      "the record is everybody's",
      "sightsOf(access.visible(undefined), platforms)",
      '[{ platforms: "all", owners: "all" }]',
    ],
    [
      "the record of all platforms",
      "return { platforms: [...new Set(names)], partly: products.filter((product) => !seesWhole(product)), owners };",
      'return { platforms: "all", partly: [], owners };',
    ],
    [
      "the record of all owners",
      "products.filter((product) => !seesWhole(product)), owners };",
      'products.filter((product) => !seesWhole(product)), owners: "all" };',
    ],
    [
      "who sees one product sees the whole platform's record",
      "const whole = products.filter(seesWhole);",
      "const whole = products;",
    ],
  ]),
  ...of("src/storage/record/list.ts", record, [
    ["the record is not filtered", "        shownBy(sights),\n", ""],
    [
      "every platform's record",
      'platforms === "all" ? undefined : or(inArray(auditEvents.platform',
      "true ? undefined : or(inArray(auditEvents.platform",
    ],
    [
      "rows of installations without one's products",
      "if (products.length === 0) return undefined;",
      "if (products.length >= 0) return sql`true`;",
    ],
    ["every owner's record", 'owners === "all" ? undefined : inArray', "true ? undefined : inArray"],
    [
      "all owners are all platforms",
      'platforms === "all" && owners === "all")) return undefined;',
      'owners === "all")) return undefined;',
    ],
  ]),
  ...of("src/callers/authenticator.ts", callers, [
    [
      "a certificate rescues a bad header",
      "if (authorization !== undefined) return byHeader(authorization);",
      "if (authorization !== undefined && certificateNames.length === 0) return byHeader(authorization);",
    ],
    ["what is remembered lasts for ever", "known !== undefined && nowMs < known.untilMs", "known !== undefined"],
    [
      "what is remembered outlives its proof",
      "untilMs: Math.min(endMs, nowMs + rememberedMs)",
      "untilMs: nowMs + rememberedMs",
    ],
    ["what was proven under older rules stays", "policy = next;\n      remembered = newMemory();", "policy = next;"],
    ["new rules are not taken up", "policy = next;\n", ""],
    ["rules that change meanwhile", "if (asked !== policy) continue;", ""],
    ["headers of any length", "if (header.length > maxHeaderLength) throw unauthenticated();", ""],
  ]),
  ...of("src/callers/policy.ts", callers, [
    ["keys last for ever", "key.expiresAt === undefined || now < key.expiresAt", "true"],
    ["any key is anybody's", "timingSafeEqual(key.sha256, sha256) && isValid", "isValid"],
    ["certificates of several callers", "found.length === 1 ? found[0]", "found.length >= 1 ? found[0]"],
  ]),
  ...of("src/callers/match-entry.ts", callers, [
    [
      "subjects are not compared",
      "JSON.stringify([identity.issuer, identity.subject])",
      "JSON.stringify([identity.issuer])",
    ],
    [
      "issuers are not compared",
      "JSON.stringify([identity.issuer, identity.subject])",
      "JSON.stringify([identity.subject])",
    ],

    ["a key outlives its last day", "new Date(start.getTime() + dayMs)", "new Date(start.getTime() + 2 * dayMs)"],
  ]),
  ...of("src/callers/token-verifier.ts", callers, [
    ["any algorithm", "      algorithms: [...issuer.algorithms],\n", ""],
    ["any audience", "      audience: issuer.audience,\n", ""],
    ["tokens of any age", "      maxTokenAge: issuer.maxAgeSeconds,\n", ""],

    ["any type of token", '!saneTypes.has(typeof typ === "string" ? typ.toLowerCase() : typ)', "false"],
    ["several audiences", "if (Array.isArray(aud) && aud.length !== 1) return undefined;", ""],
    ["tokens that have just ended", " || exp * 1000 <= now.getTime()) return", ") return"],
    ["a tolerance of an hour", "const toleranceSeconds = 60;", "const toleranceSeconds = 3600;"],
  ]),
];

/** [name, original, mutated], or with tests of its own. */
type Row = readonly [string, string, string] | readonly [string, string, string, readonly string[]];

function of(file: string, tests: readonly string[], rows: readonly Row[]): readonly Mutant[] {
  return rows.map(([name, original, mutated, own]) => ({ name, file, original, mutated, tests: own ?? tests }));
}
