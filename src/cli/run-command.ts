import { type Command, type CommandWorld, notUnderstood } from "./command.ts";

const usage = `usage: oauth-token-service COMMAND

  keys generate              prints a new encryption key for TOKEN_ENCRYPTION_KEY
  keys create NAME           prints a new API key of a caller, and its line for the caller file
  policy test CASES.yaml     decides a table of cases by the caller file of AUTH_CONFIG, or of --file PATH
  migrate [--service-role R] brings the Postgres database of DATABASE_URL up to date; R may run the service then
  rotate                     seals everything stored with the first key of TOKEN_ENCRYPTION_KEY
  audit verify [--from TIME] finds what was changed in the record or removed from it
  move ID --to OWNER         gives an organization's installation to another owner; --to-none: to no owner
  offboard OWNER [--yes]     revokes everything of an owner; --reason TEXT says why
  dead-grants                lists what a platform calls dead and is not believed in; dead-grants --help says more
  health [--address H:P]     asks the gRPC listener whether it is serving
  --help                     prints this

Settings come from the environment, as for the service itself; npm start starts that.`;

interface Entry {
  readonly words: readonly string[];
  /** Loaded when asked for: a health check every few seconds should not wait for the database driver. */
  readonly load: () => Promise<Command>;
}

const commands: readonly Entry[] = [
  { words: ["keys", "generate"], load: async () => (await import("./generate-key.ts")).generateKeyCommand },
  { words: ["keys", "create"], load: async () => (await import("./create-api-key.ts")).createApiKeyCommand },
  { words: ["policy", "test"], load: async () => (await import("./policy-test.ts")).policyTestCommand },
  { words: ["migrate"], load: async () => (await import("./migrate.ts")).migrateCommand },
  { words: ["rotate"], load: async () => (await import("./rotate.ts")).rotateCommand },
  { words: ["audit", "verify"], load: async () => (await import("./audit-verify.ts")).auditVerifyCommand },
  { words: ["move"], load: async () => (await import("./move.ts")).moveCommand },
  { words: ["offboard"], load: async () => (await import("./offboard.ts")).offboardCommand },
  { words: ["dead-grants"], load: async () => (await import("./dead-grants.ts")).deadGrantsCommand },
  { words: ["health"], load: async () => (await import("./health.ts")).healthCommand },
];

/** Runs the command that the arguments name and returns the exit code. Never throws. */
export async function runCommand(args: readonly string[], world: CommandWorld): Promise<number> {
  if (args.length === 1 && (args[0] === "--help" || args[0] === "-h")) {
    world.print(usage);
    return 0;
  }
  const found = commands.find(({ words }) => words.every((word, index) => args[index] === word));
  const code = found === undefined ? notUnderstood : await run(found, args.slice(found.words.length), world);
  if (code === notUnderstood) world.complain(usage);
  return code;
}

async function run(entry: Entry, args: readonly string[], world: CommandWorld): Promise<number> {
  try {
    const command = await entry.load();
    return await command(args, world);
  } catch (error) {
    world.complain(error instanceof Error ? error.message : String(error));
    return 1;
  }
}
