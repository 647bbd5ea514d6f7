import { type Command, type CommandWorld, notUnderstood } from "./command.ts";
import { generateKeyCommand } from "./generate-key.ts";
import { healthCommand } from "./health.ts";
import { migrateCommand } from "./migrate.ts";

const usage = `usage: oauth-token-service COMMAND

  keys generate              prints a new encryption key for TOKEN_ENCRYPTION_KEY
  migrate                    brings the Postgres database of DATABASE_URL up to date
  health [--address H:P]     asks the gRPC listener whether it is serving
  --help                     prints this

Settings come from the environment, as for the service itself; npm start starts that.`;

const commands: readonly { readonly words: readonly string[]; readonly run: Command }[] = [
  { words: ["keys", "generate"], run: generateKeyCommand },
  { words: ["migrate"], run: migrateCommand },
  { words: ["health"], run: healthCommand },
];

/** Runs the command that the arguments name and returns the exit code. Never throws. */
export async function runCommand(args: readonly string[], world: CommandWorld): Promise<number> {
  if (args.length === 1 && (args[0] === "--help" || args[0] === "-h")) {
    world.print(usage);
    return 0;
  }
  const command = commands.find(({ words }) => words.every((word, index) => args[index] === word));
  const code = command === undefined ? notUnderstood : await run(command.run, args.slice(command.words.length), world);
  if (code === notUnderstood) world.complain(usage);
  return code;
}

async function run(command: Command, args: readonly string[], world: CommandWorld): Promise<number> {
  try {
    return await command(args, world);
  } catch (error) {
    world.complain(error instanceof Error ? error.message : String(error));
    return 1;
  }
}
