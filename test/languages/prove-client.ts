import { execFile } from "node:child_process";
import { cp, mkdtemp, readFile, rm, symlink } from "node:fs/promises";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, expect, test } from "vitest";
import { useService } from "../end-to-end/support/use-service.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));

interface Outcome {
  readonly code: number;
  readonly printed: string;
}

/** Runs what docs/clients.md says of a language, word for word, against the whole service. */
export function proveClient(language: string): void {
  const shared = useService();
  let folder = "";

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "oauth-token-service-language-"));
    for (const path of ["proto", "docs/clients", "buf.yaml"]) {
      await cp(join(root, path), join(folder, path), { recursive: true });
    }
    await symlink(join(root, "node_modules"), join(folder, "node_modules"));
    const { build } = await readRecipe(language);
    expect(await shell(build)).toMatchObject({ code: 0 });
  }, 600_000);
  afterAll(() => rm(folder, { recursive: true, force: true }));

  function shell(script: string): Promise<Outcome> {
    // Before what somebody installed beside Debian's.
    const path = [join(root, "node_modules/.bin"), "/usr/bin", process.env.PATH].join(delimiter);
    return new Promise((resolve) => {
      execFile("/bin/sh", ["-ec", script], { cwd: folder, env: { ...process.env, PATH: path } }, (error, out, err) =>
        resolve({ code: error === null ? 0 : Number(error.code ?? -1), printed: `${out}${err}`.trim() }),
      );
    });
  }

  async function ask(platform: string): Promise<Outcome> {
    const { run } = await readRecipe(language);
    const [replica] = shared.service.replicas;
    return shell(run.replace("localhost:50051 slack", `${replica?.grpcAddress} ${platform}`));
  }

  test("it gets a token", async () => {
    await shared.service.connect("slack");
    const { slack } = shared.service.sandbox;
    expect(await ask("slack")).toEqual({
      code: 0,
      printed: `a token for T0ACME001, to be used at ${slack.url}/api`,
    });
  });

  test("it says where a person connects what is not connected", async () => {
    const { code, printed } = await ask("jira");
    expect(code).toBe(3);
    expect(printed).toMatch(/^INSTALLATION_NOT_FOUND: a person connects it at http:\S+\/oauth\/install\/jira$/);
  });

  test("it says when to ask again while the platform is away", async () => {
    await shared.service.connect("github");
    shared.expectFaults();
    shared.service.sandbox.github.controls.fail({ status: 503, body: "down" }, 100);
    const { code, printed } = await ask("github");
    expect(code).toBe(75);
    expect(printed).toMatch(/^PROVIDER_UNAVAILABLE: ask again in [1-9]\d* ms$/);
  });

  test("it says why it is refused for another reason", async () => {
    const { code, printed } = await ask("gitlab");
    expect([code, printed]).toEqual([1, expect.stringMatching(/^INVALID_REQUEST: .*known are/)]);
  });
}

/** The first fence below the heading: what builds the client, and its last line, which runs it. */
async function readRecipe(language: string): Promise<{ readonly build: string; readonly run: string }> {
  const page = await readFile(join(root, "docs/clients.md"), "utf8");
  const fence = new RegExp(`^### ${language}\\n.*?^\`\`\`sh\\n(.*?)^\`\`\`$`, "ms").exec(page)?.[1];
  const lines =
    fence
      ?.trimEnd()
      .split("\n")
      .filter((line) => !line.startsWith("apt-get ")) ?? [];
  const exported = lines.filter((line) => /^(jars|export )/.test(line));
  return { build: lines.slice(0, -1).join("\n"), run: [...exported, lines.at(-1)].join("\n") };
}
