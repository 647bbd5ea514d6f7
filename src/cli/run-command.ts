import { type Command, type CommandWorld, notUnderstood } from "./command.ts";

const usage = `usage: oauth-token-service COMMAND

  keys generate              prints a new encryption key for TOKEN_ENCRYPTION_KEY
  migrate                    brings the Postgres database of DATABASE_URL up to date
  rotate                     seals everything stored with the first key of TOKEN_ENCRYPTION_KEY
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
  { words: ["migrate"], load: async () => (await import("./migrate.ts")).migrateCommand },
  { words: ["rotate"], load: async () => (await import("./rotate.ts")).rotateCommand },
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
