import { type Entry, entry } from "./entry.ts";

/** Every command, in the order of the help. */
export const commands: readonly Entry[] = [
  entry({
    words: ["keys", "generate"],
    arguments: [],
    options: {},
    summary: "prints a new encryption key for TOKEN_ENCRYPTION_KEY",
    about: "Nothing else is printed, so that it can be written into a file, and it is kept nowhere.",
    load: async () => (await import("./generate-key.ts")).generateKeyCommand,
  }),
  entry({
    words: ["keys", "create"],
    arguments: ["NAME"],
    options: {},
    summary: "prints a new API key of a caller, and its line for the caller file",
    about: "The key is kept nowhere. The line has its SHA-256, and an end in 90 days.",
    load: async () => (await import("./create-api-key.ts")).createApiKeyCommand,
  }),
  entry({
    words: ["policy", "test"],
    arguments: ["CASES.yaml"],
    options: { file: { value: "PATH", about: "this caller file instead of the one of AUTH_CONFIG" } },
    summary: "decides a table of cases by the caller file",
    about: "Exit code 1 if a case ends otherwise than the table says.",
    load: async () => (await import("./policy-test.ts")).policyTestCommand,
  }),
  entry({
    words: ["migrate"],
    arguments: [],
    options: { "service-role": { value: "ROLE", about: "may run the service then, and change nothing on record" } },
    summary: "brings the Postgres database of DATABASE_URL up to date",
    about: "The service does so itself when it starts, unless its role may not. Any number may run at once.",
    load: async () => (await import("./migrate.ts")).migrateCommand,
  }),
  entry({
    words: ["rotate"],
    arguments: [],
    options: {},
    summary: "seals everything stored with the first key of TOKEN_ENCRYPTION_KEY",
    about:
      "Beside running services on Postgres, instead of one on the embedded database. Killed, it is run again. Prints one\n" +
      "line of JSON for each batch; with --json these go to standard error.",
    load: async () => (await import("./rotate.ts")).rotateCommand,
  }),
  entry({
    words: ["audit", "verify"],
    arguments: [],
    options: { from: { value: "TIME", about: "follows only chains written to since then, such as 2026-01-31" } },
    summary: "finds what was changed in the record or removed from it",
    about: "Prints one line of JSON for each chain. Exit code 1 if anything is wrong.",
    load: async () => (await import("./audit-verify.ts")).auditVerifyCommand,
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
    load: async () => (await import("./move.ts")).moveCommand,
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
    load: async () => (await import("./offboard.ts")).offboardCommand,
  }),
  entry({
    words: ["dead-grants"],
    arguments: [],
    options: {},
    summary: "lists what a platform calls dead and is not believed in",
    about: "Platforms that call so many grants dead at once that it is not believed, and how many.",
    load: async () => (await import("./dead-grants.ts")).deadGrantsCommand,
  }),
  entry({
    words: ["dead-grants", "confirm"],
    arguments: ["PLATFORM"],
    options: {},
    summary: "believes a platform in what it calls dead",
    about:
      "Those grants ask for reauthorization, and for a day so does whatever it calls dead next. A grant that works after\n" +
      "all comes back only when a person connects it again.",
    load: async () => (await import("./dead-grants.ts")).confirmDeadGrantsCommand,
  }),
  entry({
    words: ["health"],
    arguments: [],
    options: { address: { value: "HOST:PORT", about: "of the gRPC listener, instead of where the settings say" } },
    summary: "asks the gRPC listener whether it is serving",
    about: "Exit code 0 only if it answers SERVING.",
    load: async () => (await import("./health.ts")).healthCommand,
  }),
];

/** The entry that the first words name, the longest one of them. */
export function findEntry(words: readonly string[]): Entry | undefined {
  return commands
    .filter((one) => one.words.every((word, index) => words[index] === word))
    .toSorted((a, b) => b.words.length - a.words.length)[0];
}
