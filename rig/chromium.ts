import { existsSync } from "node:fs";
import { type Browser, chromium } from "playwright-core";

export interface LaunchOptions {
  /** As a person's browser does; Playwright's lets every page open windows. */
  readonly blocksPopups?: boolean;
}

/** Where Chromium is expected, and whether it is there. */
export function findChromium(): { readonly path: string; readonly isThere: boolean } {
  const path = process.env.CHROMIUM_PATH ?? "/usr/bin/chromium";
  return { path, isThere: existsSync(path) };
}

/** A real browser with a profile of its own. */
export function launchChromium({ blocksPopups = false }: LaunchOptions = {}): Promise<Browser> {
  const { path, isThere } = findChromium();
  if (!isThere) {
    throw new Error(
      `there is no Chromium at ${path}: ` +
        "install it (on Debian: apt-get install chromium), or set CHROMIUM_PATH to where it is",
    );
  }
  return chromium.launch({
    executablePath: path,
    headless: true,
    ...(blocksPopups && { ignoreDefaultArgs: ["--disable-popup-blocking"] }),
    args: [
      ...["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"],
      ...["--disable-component-update", "--disable-sync"],
    ],
  });
}
