import { mkdir, readdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Page } from "playwright-core";
import { smallPng } from "./small-png.ts";

/** Pictures of pages, each by day at a desk and by night on a phone, and a page that shows them all. */
export interface Album {
  take(page: Page, name: string, about: string): Promise<void>;
  /** Takes away what no page has any more. */
  finish(): Promise<void>;
}

export async function openAlbum(folder: string): Promise<Album> {
  await mkdir(folder, { recursive: true });
  const entries: { readonly name: string; readonly about: string }[] = [];
  return {
    async take(page, name, about) {
      await picture(page, join(folder, `${name}-night.png`), "dark", { width: 390, height: 700 });
      await picture(page, join(folder, `${name}.png`), "light", {
        width: name.startsWith("console") ? 1100 : 860,
        height: 600,
      });
      entries.push({ name, about });
    },
    async finish() {
      const kept = new Set(["README.md", ...entries.flatMap(({ name }) => [`${name}.png`, `${name}-night.png`])]);
      for (const file of await readdir(folder)) if (!kept.has(file)) await rm(join(folder, file));
      const rows = entries.map(({ name, about }) => `| ${about} | ![](${name}.png) | ![](${name}-night.png) |`);
      const head = "# Every page\n\nTaken by `npm run screenshots`: by day at a desk, by night on a phone.\n";
      await writeFile(
        join(folder, "README.md"),
        `${head}\n| page | by day | by night |\n| --- | --- | --- |\n${rows.join("\n")}\n`,
      );
    },
  };
}

async function picture(
  page: Page,
  path: string,
  colorScheme: "light" | "dark",
  size: { readonly width: number; readonly height: number },
): Promise<void> {
  await page.setViewportSize(size);
  await page.emulateMedia({ colorScheme });
  await writeFile(path, smallPng(await page.screenshot({ fullPage: true, animations: "disabled" })));
}
