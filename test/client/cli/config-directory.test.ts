import { expect, test } from "vitest";
import { configDirectory } from "../../../client/src/cli/accounts/config-directory.ts";

test.each([
  [{ XDG_CONFIG_HOME: "/xdg" }, "linux", "/home/a", "/xdg/oauth-token"],
  [{}, "linux", "/home/a", "/home/a/.config/oauth-token"],
  [{ XDG_CONFIG_HOME: "" }, "darwin", "/Users/a", "/Users/a/.config/oauth-token"],
  [{ XDG_CONFIG_HOME: "relative" }, "linux", "/home/a", "/home/a/.config/oauth-token"],
  [
    { APPDATA: "C:\\Users\\a\\AppData\\Roaming" },
    "win32",
    "C:\\Users\\a",
    "C:\\Users\\a\\AppData\\Roaming\\oauth-token",
  ],
  [{ XDG_CONFIG_HOME: "D:\\c d", APPDATA: "C:\\x" }, "win32", "C:\\Users\\a", "D:\\c d\\oauth-token"],
  [{}, "win32", "C:\\Users\\a", "C:\\Users\\a\\.config\\oauth-token"],
] as const)("with %j on %s at %s it is %s", (env, platform, home, expected) => {
  expect(configDirectory({ env, platform, home })).toBe(expected);
});

test("nobody without a home keeps accounts in the current folder", () => {
  expect(() => configDirectory({ env: {}, platform: "linux", home: "" })).toThrow("XDG_CONFIG_HOME");
});
