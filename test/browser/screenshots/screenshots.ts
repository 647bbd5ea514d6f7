import { fileURLToPath } from "node:url";
import { launchChromium } from "../chromium.ts";
import { openAlbum } from "./album.ts";
import { takeProductAndConsole } from "./operators-pages.ts";
import { takeLinkCodePages, takePublicPages } from "./public-pages.ts";
import { setStage } from "./stage.ts";

// `npm run screenshots`: every page and state, into docs/screenshots.

const stage = await setStage();
const browser = await launchChromium();
try {
  const album = await openAlbum(fileURLToPath(new URL("../../../docs/screenshots", import.meta.url)));
  for (const take of [takeProductAndConsole, takePublicPages, takeLinkCodePages]) {
    const context = await browser.newContext();
    await take(context, album, stage);
    await context.close();
  }
  await album.finish();
} finally {
  await browser.close();
  await stage.close();
}
