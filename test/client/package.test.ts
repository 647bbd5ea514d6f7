import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { delimiter, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { type OutputChunk, rolldown } from "rolldown";
import { afterAll, beforeAll, expect, test } from "vitest";
import { issue, openDoors } from "./support/doors.ts";

const run = promisify(execFile);
const root = fileURLToPath(new URL("../../", import.meta.url));

/** An empty project that installed what `npm pack` packs, beside what it names as its dependencies and no others. */
let project: string;

beforeAll(async () => {
  project = await mkdtemp(join(tmpdir(), "oauth-token-client-"));
  await run("npm", ["pack", "--silent", "--pack-destination", project], { cwd: join(root, "client") });
  const [packed = ""] = await readdir(project);
  const installed = join(project, "node_modules/oauth-token-client");
  await mkdir(installed, { recursive: true });
  await run("tar", ["-xzf", join(project, packed), "-C", installed, "--strip-components=1"]);
  const { dependencies } = JSON.parse(await readFile(join(installed, "package.json"), "utf8"));
  for (const name of [...Object.keys(dependencies), "@types/node"]) {
    const place = join(project, "node_modules", name);
    await mkdir(dirname(place), { recursive: true });
    await symlink(join(root, "node_modules", name), place);
  }
  await writeFile(join(project, "package.json"), JSON.stringify({ type: "module" }));
});
afterAll(() => rm(project, { recursive: true, force: true }));

/** The machine's own Node, which may be older than the project's. */
function plainNode(): string {
  const folders = (process.env.PATH ?? "").split(delimiter).filter((folder) => !folder.includes("node_modules"));
  const found = folders.map((folder) => join(folder, "node")).find((path) => existsSync(path));
  return found ?? process.execPath;
}

test("an empty project gets a token with plain Node by both ways, and its process ends by itself", async () => {
  const token = issue();
  const { address } = await openDoors({ getToken: async () => token });
  const script = `
    import { createTokenClient, TokenServiceError } from "oauth-token-client";
    for (const address of process.argv.slice(2)) {
      const client = createTokenClient({ address });
      const { accessToken, source } = await client.getToken({ platform: "github" });
      console.log(JSON.stringify({ accessToken, source, isError: new TokenServiceError({}) instanceof Error }));
    }`;
  await writeFile(join(project, "use.js"), script);
  const { stdout } = await run(plainNode(), ["use.js", address("grpc"), address("connect")], { cwd: project });
  const line = JSON.stringify({ accessToken: token.token.reveal(), source: "service", isError: true });
  expect(stdout).toBe(`${line}\n${line}\n`);
});

test("every sub-path is there for plain Node", async () => {
  const script = `
    const paths = ["", "/octokit", "/slack", "/connect", "/testing"];
    for (const name of paths.map((path) => "oauth-token-client" + path)) console.log(Object.keys(await import(name)).join());`;
  await writeFile(join(project, "names.js"), script);
  const { stdout } = await run(plainNode(), ["names.js"], { cwd: project });
  expect(stdout.trim().split("\n")).toEqual([
    "TokenServiceError,createTokenClient",
    ...["createTokenAuth", "createSlackFetch", "connect", "createTestTokenService"],
  ]);
});

test.each(["browser", "workerd, worker, browser", "edge-light", "none of these"])(
  "for a bundler with the conditions %s there is nothing of Node in it",
  async (given) => {
    const conditions = given === "none of these" ? [] : given.split(", ");
    const entry = join(project, "web.js");
    const names = ["createTokenClient", "TokenServiceError"].join();
    await writeFile(
      entry,
      `export { ${names} } from "oauth-token-client";
       export * from "oauth-token-client/octokit"; export * from "oauth-token-client/slack";
       export * from "oauth-token-client/connect";`,
    );
    const bundle = await rolldown({
      ...{ cwd: project, input: entry, platform: "neutral" },
      resolve: { conditionNames: [...conditions, "import", "module", "default"], mainFields: ["module", "main"] },
    });
    const { output } = await bundle.generate({ format: "esm", codeSplitting: false });
    await bundle.close();
    const chunks = output.filter((part): part is OutputChunk => part.type === "chunk");
    expect(chunks.flatMap(({ imports, dynamicImports }) => [...imports, ...dynamicImports])).toEqual([]);
    expect(
      chunks.flatMap(({ moduleIds }) => moduleIds).filter((id) => /grpc-js|connect-node|testing/.test(id)),
    ).toEqual([]);
    expect(chunks.map(({ code }) => code).join()).not.toMatch(/\bBuffer\b|"node:|\brequire\(|\bprocess\.(?!env\b)/);
  },
);

test("its declarations are whole: a strict project compiles against them alone", async () => {
  await writeFile(
    join(project, "use.ts"),
    `import { createTokenClient, type Token, TokenServiceError } from "oauth-token-client";
     import { createTokenAuth } from "oauth-token-client/octokit";
     import { createSlackFetch } from "oauth-token-client/slack";
     import { connect } from "oauth-token-client/connect";
     import { createTestTokenService } from "oauth-token-client/testing";
     const service = await createTestTokenService();
     const client = createTokenClient({ address: service.address, credentials: { bearer: async () => "x" } });
     const token: Token = await client.getToken({ platform: "github", actor: "ACTOR_APP", minTtl: "90s" });
     const expireTime: Date | undefined = token.expireTime;
     for await (const { change, installation } of client.watch()) if (change !== "CHANGE_SYNCED") installation.id.length;
     const auth = createTokenAuth({ client });
     const slack = createSlackFetch({ client, selector: { owner: "acme" } });
     const error = new Error() as unknown;
     if (error instanceof TokenServiceError) error.reason satisfies string;
     const { status, completionCode = "" } = await connect({ link: "https://tokens.example", onStatus: (now) => now });
     if (status === "connected") completionCode.length;
     // @ts-expect-error: there is no such status.
     if (status === "finished") completionCode.length;
     export { auth, expireTime, slack };
     // @ts-expect-error: there is no such actor.
     client.getToken({ actor: "ACTOR_ROBOT" });`,
  );
  const compilerOptions = { strict: true, noEmit: true, module: "nodenext", target: "es2022", types: ["node"] };
  await writeFile(join(project, "tsconfig.json"), JSON.stringify({ compilerOptions, files: ["use.ts"] }));
  const compiled = await run(process.execPath, [join(root, "node_modules/typescript/bin/tsc"), "-p", project], {
    cwd: project,
  }).catch((error) => error);
  expect(compiled.stdout).toBe("");
});

test("it has the licence, the readme and source maps, and nothing that only we need", async () => {
  const files = await readdir(join(project, "node_modules/oauth-token-client"), { recursive: true });
  expect(files).toEqual(expect.arrayContaining(["LICENSE", "README.md", "dist/index.js.map", "dist/oauth-token.js"]));
  expect(files.filter((name) => /\.ts$/.test(name) && !/\.d\.ts$/.test(name))).toEqual([]);
});
