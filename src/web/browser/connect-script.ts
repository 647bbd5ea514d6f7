import { createHash } from "node:crypto";
import { connectScript } from "../../../gen/browser/scripts.ts";
import type { WebHandler } from "../handler.ts";

/** Where product pages have the popup helper from. */
export const connectScriptPath = "/connect.js";
/** How long a browser uses it without asking; then by its ETag alone. */
const maxAgeSeconds = 300;

/** `GET /connect.js`: the same for everybody, to be loaded by pages of other origins. */
export function connectScriptRoute(): WebHandler {
  const headers = new Map([
    ["Access-Control-Allow-Origin", "*"],
    ["Cache-Control", `public, max-age=${maxAgeSeconds}`],
    ["Content-Type", "text/javascript; charset=utf-8"],
    ["Cross-Origin-Resource-Policy", "cross-origin"],
    ["ETag", `"${createHash("sha256").update(connectScript).digest("base64url")}"`],
  ]);
  return (_request, response) => void response.setHeaders(headers).send(connectScript);
}
