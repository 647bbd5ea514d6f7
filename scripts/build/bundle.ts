import { type RolldownOutput, rolldown } from "rolldown";
import { root } from "../run-tool.ts";
import { withoutGetters } from "./without-getters.ts";

/**
 * Bundles the entries, by the names of their files without `.js`, into a flat folder: what is found beside its module
 * (`new URL("./x", import.meta.url)`) has to be in it. Gives the folders of the packages that are inside.
 * @throws Error if an import leads nowhere.
 */
export async function bundle(entries: Readonly<Record<string, string>>, out: string): Promise<readonly string[]> {
  const build = await rolldown({
    cwd: root,
    input: { ...entries },
    platform: "node",
    plugins: [withoutGetters("http")],
    onLog(level, log) {
      // The embedded database's own program, which is generated.
      if (log.code === "EVAL" && log.message.includes("/pglite/")) return;
      if (level === "warn") throw new Error(`the bundle is not as it should be: ${log.message}`);
    },
  });
  try {
    const output = await build.write({
      dir: out,
      format: "esm",
      entryFileNames: "[name].js",
      chunkFileNames: "[name]-[hash].js",
      // What is read at every start is the program alone; its lines stay, for traces and for who looks at it.
      comments: false,
      sourcemap: true,
      sourcemapExcludeSources: true,
    });
    return packagesIn(output);
  } finally {
    await build.close();
  }
}

/** As `node_modules/express`, in order. */
function packagesIn({ output }: RolldownOutput): readonly string[] {
  const modules = output.flatMap((chunk) => (chunk.type === "chunk" ? chunk.moduleIds : []));
  const folders = modules.map((id) => /node_modules\/(?:.*\/node_modules\/)?(?:@[^/]+\/)?[^/]+/.exec(id)?.[0]);
  return [...new Set(folders.filter((folder) => folder !== undefined))].sort();
}
