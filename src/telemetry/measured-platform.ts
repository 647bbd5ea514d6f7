import type { Platform } from "../domain/model/platform.ts";
import type { MintResult, Step, Telemetry } from "../domain/model/telemetry.ts";

/** The same platform, with every request to it counted and timed. */
export function measuredPlatform(platform: Platform, telemetry: Telemetry): Platform {
  const step = <T extends { readonly kind: string }>(name: Step, work: () => Promise<T>) =>
    telemetry.step(name, { platform: platform.name }, work, ({ kind }) => kind);

  const { inspect } = platform;
  return {
    ...platform,
    ...(inspect && {
      inspect: (installation, credential) => step("platform inspect", () => inspect(installation, credential)),
    }),
    exchange: (request) => step("platform exchange", () => platform.exchange(request)),
    revoke: (credential) => step("platform revoke", () => platform.revoke(credential)),
    async mint(credential, narrowing) {
      const startedMs = performance.now();
      let result: MintResult = "error";
      try {
        const outcome = await step("platform mint", () => platform.mint(credential, narrowing));
        result = outcome.kind;
        return outcome;
      } finally {
        const seconds = (performance.now() - startedMs) / 1000;
        telemetry.mintFinished({ platform: platform.name, result, seconds });
      }
    },
  };
}
