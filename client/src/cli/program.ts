import { Command, CommanderError } from "commander";
import about from "../../package.json" with { type: "json" };
import { createAccountStore } from "./accounts/account-store.ts";
import { exec } from "./commands/exec.ts";
import { gitCredential } from "./commands/git-credential.ts";
import { login } from "./commands/login.ts";
import { logout } from "./commands/logout.ts";
import { status } from "./commands/status.ts";
import { sync } from "./commands/sync.ts";
import { token } from "./commands/token.ts";
import { addCompletion } from "./completion.ts";
import { exitCodes, Failure, Interrupted } from "./failure.ts";
import { createOutput } from "./output.ts";
import { parseServiceUrl } from "./service/service-url.ts";
import type { CliCommand, Session } from "./session.ts";
import type { CliWorld } from "./world.ts";

const commands: readonly CliCommand[] = [login, token, exec, sync, gitCredential, status, logout];

/** Runs what was typed after `oauth-token` and gives the exit code. Rejects for a bug alone. */
export async function run(args: readonly string[], world: CliWorld): Promise<number> {
  const end = args.indexOf("--");
  const json = (end < 0 ? args : args.slice(0, end)).includes("--json");
  const output = createOutput(world, json);
  let code = 0;
  const program = createProgram(world, json);
  for (const command of commands) {
    const declared = command.declare(program);
    declared.action(async () => {
      const { service = world.env.OAUTH_TOKEN_SERVICE_URL || undefined } = program.opts<{ service?: string }>();
      const session: Session = {
        ...{ world, output },
        store: createAccountStore(world, output),
        service: service === undefined ? undefined : parseServiceUrl(service),
      };
      code = await command.run(session, declared);
    });
  }
  addCompletion(program);
  try {
    await program.parseAsync(args, { from: "user" });
    return code;
  } catch (error) {
    if (error instanceof Interrupted) return error.exitCode;
    if (error instanceof CommanderError) return ended(error);
    if (!(error instanceof Failure)) throw error;
    output.failure(error.reason, error.message);
    return error.exitCode;
  }

  /** Help is what was asked for; everything else was not understood. */
  function ended({ exitCode, message }: CommanderError): number {
    if (exitCode === 0) return exitCodes.done;
    if (json) output.failure("USAGE", message.replace(/^error: /, ""));
    return exitCodes.usage;
  }
}

function createProgram(world: CliWorld, json: boolean): Command {
  return new Command("oauth-token")
    .description("Signs in to platforms through a token service, and gives tokens that work.")
    .version(about.version)
    .option("--service <url>", "the public address of the service (OAUTH_TOKEN_SERVICE_URL)")
    .option("--json", "results as lines of JSON, everything else as JSON on standard error")
    .configureHelp({ showGlobalOptions: true })
    .configureOutput({ writeOut: world.write, writeErr: (text) => (json ? undefined : world.writeError(text)) })
    .showSuggestionAfterError()
    .exitOverride()
    .addHelpText(
      "after",
      "\nExit codes: 0 done, 1 failed, 2 usage, 3 not connected, 4 denied, 5 expired, 6 service unreachable.",
    );
}
