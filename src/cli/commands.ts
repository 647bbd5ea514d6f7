import { type Entry, entry } from "./entry.ts";

/** Every command, in the order of the help. */
export const commands: readonly Entry[] = [
  entry({
    words: ["keys", "generate"],
    arguments: [],
    options: {},
    summary: "prints a new encryption key for TOKEN_ENCRYPTION_KEY",
    about: "Nothing else is printed, so that it can be written into a file, and it is kept nowhere.",
    load: async () => (await import("./commands/generate-key.ts")).generateKeyCommand,
  }),
  entry({
    words: ["keys", "create"],
    arguments: ["NAME"],
    options: {},
    summary: "prints a new API key of a caller, and its line for the caller file",
    about: "The key is kept nowhere. The line has its SHA-256, and an end in 90 days.",
    load: async () => (await import("./commands/create-api-key.ts")).createApiKeyCommand,
  }),
  entry({
    words: ["policy", "test"],
    arguments: ["CASES.yaml"],
    options: { file: { value: "PATH", about: "this caller file instead of the one of AUTH_CONFIG" } },
    summary: "decides a table of cases by the caller file",
    about: "Exit code 1 if a case ends otherwise than the table says.",
    load: async () => (await import("./commands/policy-test.ts")).policyTestCommand,
  }),
  entry({
    words: ["migrate"],
    arguments: [],
    options: { "service-role": { value: "ROLE", about: "may run the service then, and change nothing on record" } },
    summary: "brings the Postgres database of DATABASE_URL up to date",
    about: "The service does so itself when it starts, unless its role may not. Any number may run at once.",
    load: async () => (await import("./commands/migrate.ts")).migrateCommand,
  }),
  entry({
    words: ["rotate"],
    arguments: [],
    options: {},
    summary: "seals everything stored with the first key of TOKEN_ENCRYPTION_KEY",
    about:
      "Beside running services on Postgres, instead of one on the embedded database. Killed, it is run again. Prints one\n" +
      "line of JSON for each batch; with --json these go to standard error.",
    load: async () => (await import("./commands/rotate.ts")).rotateCommand,
  }),
  entry({
    words: ["backup"],
    arguments: ["FILE"],
    options: {
      replace: { about: "a file of this name is replaced, once the new one is whole" },
      "without-key": { about: "leaves encryption.key out, to be kept apart" },
    },
    summary: "copies the embedded database and its key into a file",
    about:
      "While the service runs, which goes on, or is stopped. The file is for its owner alone (mode 0600); whoever has it and\n" +
      "the key in it can read every token. A TOKEN_ENCRYPTION_KEY of the settings is not in it.",
    load: async () => (await import("./commands/backup.ts")).backupCommand,
  }),
  entry({
    words: ["restore"],
    arguments: ["FILE"],
    options: {},
    summary: "puts a backup into an empty DATA_DIR",
    about:
      "Nothing is overwritten. It is unpacked beside its place, opened, and its record verified, before it gets its name.\n" +
      "Exit code 1 also if the record is not what was written, or rows cannot be opened.",
    load: async () => (await import("./commands/restore.ts")).restoreCommand,
  }),
  entry({
    words: ["import"],
    arguments: [],
    options: {
      from: {
        value: "URL|DATA_DIR",
        about: "an earlier service's database (its password: PGPASSWORD), or the embedded one; both stopped",
      },
      key: { value: "FERNET", about: "what the earlier service sealed its tokens with; several with commas" },
      "dry-run": { about: "says what would come over, and does nothing" },
    },
    summary: "brings over an earlier service, or an embedded database",
    about:
      "From the Python services' oauth_installations or installations table, in any database, ids kept: a line for each row,\n" +
      "exit code 1 if any failed. What came over is not repeated, and nothing that is here is changed, so run it again.\n" +
      "From a DATA_DIR into the Postgres of DATABASE_URL: all of it or nothing, into a database without installations, with\n" +
      "the key of DATA_DIR in TOKEN_ENCRYPTION_KEY. Afterwards no service starts on DATA_DIR. Killed, it is run again.",
    load: async () => (await import("./commands/import.ts")).importCommand,
  }),
  entry({
    words: ["audit", "verify"],
    arguments: [],
    options: { from: { value: "TIME", about: "follows only chains written to since then, such as 2026-01-31" } },
    summary: "finds what was changed in the record or removed from it",
    about: "Prints one line of JSON for each chain. Exit code 1 if anything is wrong.",
    load: async () => (await import("./commands/audit-verify.ts")).auditVerifyCommand,
  }),
  entry({
    words: ["events", "list"],
    arguments: [],
    options: {
      dead: { about: "only what did not arrive (at WEBHOOK_FORWARD_URL or ALERT_WEBHOOK_URL) and is not tried again" },
    },
    summary: "lists what platforms told in the last seven days",
    about:
      "The latest first, with what became of it: apply (not worked off yet), forward (on its way), alert (the\n" +
      "same, of what needs a person), forwarded, dead, done (nobody wanted to hear of it).",
    load: async () => (await import("./commands/events.ts")).listEventsCommand,
  }),
  entry({
    words: ["events", "replay"],
    arguments: ["[ID…]"],
    options: {
      dead: { about: "all that is dead" },
      since: { value: "TIME", about: "all that came since then and did not arrive, such as 2026-01-31T12:00:00Z" },
    },
    summary: "sends events again that did not arrive",
    about:
      "At once, and then as often as new ones, under the same webhook-id. Also turns forwarding on where the receiver turned\n" +
      "it off (410). What arrived is not kept, and cannot be sent again.",
    load: async () => (await import("./commands/events.ts")).replayEventsCommand,
  }),
  entry({
    words: ["installations", "list"],
    arguments: [],
    options: {
      platform: { value: "PLATFORM", about: "only what serves it" },
      status: { value: "STATUS", about: "active, pending, suspended, reauthorization_required or revoked" },
      owner: { value: "OWNER", about: "only this owner's" },
      "external-org-id": { value: "ID", about: "only of this organization, workspace, site or account" },
      "external-install-id": { value: "ID", about: "only of this installation at the platform" },
      search: { value: "TEXT", about: "only what has an organization or an owner that begins so, or this id" },
      limit: { value: "NUMBER", about: "as many; 100 by default" },
      after: { value: "PLACE", about: "goes on where an earlier list ended, as it said" },
      all: { about: "all of them" },
    },
    summary: "lists what is connected",
    about: "The latest first, whatever its status: id, status, platform, owner, organization, last error.",
    load: async () => (await import("./commands/installations/list.ts")).listInstallationsCommand,
  }),
  entry({
    words: ["installations", "show"],
    arguments: ["INSTALLATION_ID"],
    options: {},
    summary: "shows all there is to know of one installation, no secrets",
    about: "Also of one that is pending or revoked.",
    load: async () => (await import("./commands/installations/show.ts")).showInstallationCommand,
  }),
  entry({
    words: ["installations", "revoke"],
    arguments: ["INSTALLATION_ID"],
    options: {
      reason: { value: "TEXT", about: "goes with it; otherwise that an operator did it" },
      yes: { about: "does it; without, it is only said what would end, and the exit code is 1" },
    },
    summary: "ends one installation for good, here and at its platform",
    about: "Killed, it is run again. Exit code 1 also if the platform did not confirm.",
    load: async () => (await import("./commands/installations/revoke.ts")).revokeInstallationCommand,
  }),
  entry({
    words: ["link", "create"],
    arguments: ["PLATFORM"],
    options: {
      owner: { value: "OWNER", about: "whose it will be" },
      "return-to": { value: "URL", about: "where the person is sent afterwards; its origin has to be allowed" },
      ttl: { value: "TIME", about: "how long the link can be used: 90s, 15m, 24h at most; 10m by default" },
      scopes: { value: "SCOPES", about: "in addition to the configured ones" },
      reconnect: { value: "INSTALLATION_ID", about: "connects this one again, and nothing else" },
      "complete-in-callback": { about: "vouches for who opens it: it is the owner's at once" },
      "confirm-page": { about: "tells the person who asks for it before sending them on" },
    },
    summary: "prints an address at which one person can connect a platform, once",
    about: "On record. Whoever has the address can connect: send it as you would send a password.",
    load: async () => (await import("./commands/create-link.ts")).createLinkCommand,
  }),
  entry({
    words: ["move"],
    arguments: ["INSTALLATION_ID"],
    options: {
      to: { value: "OWNER", about: "whose it is from now on" },
      "to-none": { about: "nobody's from now on" },
    },
    summary: "gives an organization's installation to another owner",
    about:
      "With all that it is served with. Callers of the old owner find it no more at once. One of the two is needed.",
    load: async () => (await import("./commands/installations/move.ts")).moveCommand,
  }),
  entry({
    words: ["offboard"],
    arguments: ["OWNER"],
    options: {
      reason: { value: "TEXT", about: "goes on record; offboarding by default" },
      yes: { about: "does it; without, it is only said what would be done, and the exit code is 1" },
    },
    summary: "revokes everything of an owner, here and at the platforms",
    about: "Killed, it is run again. Exit code 1 also if a platform did not confirm.",
    load: async () => (await import("./commands/installations/offboard.ts")).offboardCommand,
  }),
  entry({
    words: ["dead-grants"],
    arguments: [],
    options: {},
    summary: "lists what a platform calls dead and is not believed in",
    about: "Platforms that call so many grants dead at once that it is not believed, and how many.",
    load: async () => (await import("./commands/dead-grants.ts")).deadGrantsCommand,
  }),
  entry({
    words: ["dead-grants", "confirm"],
    arguments: ["PLATFORM"],
    options: {},
    summary: "believes a platform in what it calls dead",
    about:
      "Those grants ask for reauthorization, and for a day so does whatever it calls dead next. A grant that works after\n" +
      "all comes back only when a person connects it again.",
    load: async () => (await import("./commands/dead-grants.ts")).confirmDeadGrantsCommand,
  }),
  entry({
    words: ["doctor"],
    arguments: [],
    options: {},
    summary: "looks for what is wrong, and says what to fix",
    about:
      "Settings, database, keys, callers, certificate, each platform's credentials (by asking the platform) and the clock.\n" +
      "Changes nothing, and prints no secret. Exit code 1 if anything has to be fixed.",
    load: async () => (await import("./commands/doctor/doctor.ts")).doctorCommand,
  }),
  entry({
    words: ["health"],
    arguments: [],
    options: { address: { value: "HOST:PORT", about: "of the gRPC listener, instead of where the settings say" } },
    summary: "asks the gRPC listener whether it is serving",
    about: "Exit code 0 only if it answers SERVING.",
    load: async () => (await import("./commands/health.ts")).healthCommand,
  }),
  entry({
    words: ["completion"],
    arguments: ["SHELL"],
    options: {},
    summary: "prints what completes commands and options in bash, zsh or fish",
    about:
      "bash: source <(oauth-token-service completion bash), in ~/.bashrc. zsh: the same with zsh, behind compinit in ~/.zshrc.\n" +
      "fish: oauth-token-service completion fish > ~/.config/fish/completions/oauth-token-service.fish",
    load: async () => (await import("./completion/completion.ts")).completionCommand(commands),
  }),
];

/** The entry that the first words name, the longest one of them. */
export function findEntry(words: readonly string[]): Entry | undefined {
  return commands
    .filter((one) => one.words.every((word, index) => words[index] === word))
    .toSorted((a, b) => b.words.length - a.words.length)[0];
}
