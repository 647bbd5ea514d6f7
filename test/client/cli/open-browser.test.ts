import { expect, test } from "vitest";
import { openerOf } from "../../../client/src/cli/open-browser.ts";

test.each([
  ["linux", { DISPLAY: ":0" }, ["xdg-open"]],
  ["linux", { WAYLAND_DISPLAY: "wayland-0" }, ["xdg-open"]],
  ["darwin", {}, ["open"]],
  ["win32", {}, ["rundll32", "url.dll,FileProtocolHandler"]],
  // There xdg-open would start a browser of text in this very terminal.
  ["linux", {}, undefined],
  ["linux", { DISPLAY: "" }, undefined],
  ["linux", { DISPLAY: "localhost:10.0", SSH_CONNECTION: "10.0.0.1 2 10.0.0.2 22" }, undefined],
  ["darwin", { SSH_TTY: "/dev/ttys001" }, undefined],
  ["linux", { DISPLAY: ":99", CI: "true" }, undefined],
] as const)("on %s with %j a browser is opened by %j", (platform, env, expected) => {
  expect(openerOf(env, platform)).toEqual(expected);
});
