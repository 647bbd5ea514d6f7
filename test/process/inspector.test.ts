import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { createInterface } from "node:readline";
import { expect, onTestFinished, test } from "vitest";

const root = new URL("../../", import.meta.url);
const { scripts } = JSON.parse(await readFile(new URL("package.json", root), "utf8"));
const dockerfile = await readFile(new URL("Dockerfile", root), "utf8");

/** The arguments in front of the program. */
const ofNpmStart: readonly string[] = scripts.start.replace(/^node (.*) bin\/start\.js$/, "$1").split(" ");
const ofImage: readonly string[] = JSON.parse(/^CMD (\[.*\])$/m.exec(dockerfile)?.[1] ?? "[]").slice(1, -1);

/** Each line it gets is answered with where the inspector listens. */
const program = `
  import { url } from "node:inspector";
  process.stdin.on("data", () => console.log(String(url())));
  console.log("ready");
`;

/** A process with these arguments that has got SIGUSR1; `ask` tells where its inspector is. */
async function signalled(args: readonly string[]) {
  // On no fixed port: that of another process may be taken.
  const own = ["--inspect-port=127.0.0.1:0", "--input-type=module", "--eval", program];
  const child = spawn(process.execPath, [...args, ...own], { stdio: ["pipe", "pipe", "ignore"] });
  onTestFinished(() => void child.kill("SIGKILL"));
  const lines = createInterface(child.stdout);
  await once(lines, "line");
  child.kill("SIGUSR1");
  return async () => {
    child.stdin.write("?\n");
    const [line] = await once(lines, "line");
    return line;
  };
}

test.each([
  ["npm start", ofNpmStart],
  ["the image", ofImage],
])("a signal opens no inspector in %s", async (_what, args) => {
  expect(args).toEqual(["--disable-sigusr1"]);
  const ask = await signalled(args);
  for (let i = 0; i < 20; i++) expect(await ask()).toBe("undefined");
});

test("without these arguments it opens one", async () => {
  const ask = await signalled([]);
  let answer = await ask();
  while (answer === "undefined") answer = await ask();
  expect(answer).toMatch(/^ws:/);
});
