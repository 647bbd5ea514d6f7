import { spawn } from "node:child_process";
import { once } from "node:events";
import { text } from "node:stream/consumers";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, expect, test } from "vitest";
import { compileCache, quickly } from "../../../rig/quick-node.ts";
import { type LinkService, startLinkService } from "./link-service.ts";
import { createPerson, type Person } from "./person.ts";
import { atTerminal } from "./pseudo-terminal.ts";

const program = fileURLToPath(new URL("../../../client/src/cli/oauth-token.ts", import.meta.url));

let service: LinkService;
let person: Person;
beforeEach(async () => {
  service = await startLinkService();
  person = createPerson();
  expect((await person.run("login", "--platform", "jira", "--service", service.url)).code).toBe(0);
});
afterEach(async () => {
  person.end();
  await service.close();
});

/** Says which signals it is sent, and ends itself once it is told to by its standard input. */
const script = `for one in INT TERM HUP QUIT USR1 USR2; do trap "echo got $one" $one; done; echo ready $PPID.
while read line; do [ "$line" = end ] && exit 5; done; while :; do read line && [ "$line" = end ] && exit 5; done`;
const exec = ["exec", "--platform", "jira", "--env", "T", "--", "bash", "-c", script];

test("signals are passed on, once each, and the command alone says when it ends", async () => {
  const { PATH = "" } = process.env;
  const child = spawn(process.execPath, [...quickly, program, ...exec], {
    env: { PATH, HOME: person.home, OAUTH_TOKEN_KEYRING: "off", ...compileCache },
  });
  const errors = text(child.stderr);
  let said = "";
  const says = async (line: string) => {
    while (!said.includes(line)) said += String((await once(child.stdout, "data"))[0]);
  };
  await says("ready");
  for (const signal of ["SIGINT", "SIGTERM", "SIGTERM", "SIGHUP", "SIGQUIT", "SIGUSR1", "SIGUSR2"] as const) {
    said = "";
    child.kill(signal);
    await says("got");
    expect(said.trim()).toBe(`got ${signal.slice(3)}`);
  }
  child.stdin.write("end\n");
  expect(await once(child, "close")).toEqual([5, null]);
  expect(await errors).toBe("");
});

test("at a terminal the command hears Ctrl-C once, from the terminal", async () => {
  const terminal = atTerminal(exec, { HOME: person.home });
  const [, ours] = /ready (\d+)\./.exec(await terminal.shows(/ready \d+\./)) ?? [];
  terminal.type("\u0003");
  await terminal.shows("got INT");
  // What is passed on keeps its order: one more would have come by then.
  process.kill(Number(ours), "SIGTERM");
  await terminal.shows("got TERM");
  terminal.type("end\r");
  expect(await terminal.ended).toMatchObject({ exitCode: 5 });
  expect(terminal.output().match(/got INT/g)).toHaveLength(1);
});
