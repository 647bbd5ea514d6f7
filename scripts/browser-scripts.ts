import { mkdir, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { type OutputChunk, rolldown } from "rolldown";
import { root } from "./run-tool.ts";

/** What browsers are sent: `/connect.js`, and what runs in the page that a popup ends with. */
const scripts = {
  connectScript: { input: "client/src/connect.ts", format: "esm" },
  resultPageScript: { input: "client/src/connect/result-page.ts", format: "iife" },
} as const;

const path = "gen/browser/scripts.ts";

/** Bundles the scripts of browsers into a module of theirs below the folder. */
export async function generateBrowserScripts(folder: string): Promise<void> {
  const lines = ["// Made by npm run generate from client/src/connect.", ""];
  for (const [name, { input, format }] of Object.entries(scripts)) {
    lines.push(`export const ${name}: string =`, `  ${JSON.stringify(await bundle(input, format))};`, "");
  }
  await mkdir(dirname(join(folder, path)), { recursive: true });
  await writeFile(join(folder, path), lines.join("\n"));
}

async function bundle(input: string, format: "esm" | "iife"): Promise<string> {
  const build = await rolldown({ cwd: root, input, platform: "browser", transform: { target: "es2021" } });
  try {
    const { output } = await build.generate({ format, minify: true, codeSplitting: false });
    return output
      .filter((part): part is OutputChunk => part.type === "chunk")
      .map(({ code }) => code.trim())
      .join("\n");
  } finally {
    await build.close();
  }
}

if (import.meta.main) await generateBrowserScripts(root);
