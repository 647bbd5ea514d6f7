import type { CredentialRepository } from "../domain/model/credential-repository.ts";
import type { Platforms } from "../domain/model/platforms.ts";
import type { Log } from "../world.ts";
import { createCounted } from "./counted.ts";

/** What `/health` shows of grants that other clients than the configured ones were given: how many, by platform. */
export interface RegistrationReport {
  read(): Promise<Readonly<Record<string, number>>>;
}

export interface RegistrationReportOptions {
  readonly credentials: Pick<CredentialRepository, "countForeign">;
  readonly platforms: Platforms;
  readonly log: Log;
  readonly now: () => Date;
}

/** Looks once, and logs each platform with such grants. The service starts all the same: others can be served. */
export async function createRegistrationReport(options: RegistrationReportOptions): Promise<RegistrationReport> {
  const { credentials, platforms, log } = options;
  const own = new Map(platforms.all.map(({ name, registration }) => [name, registration]));
  const counted = await createCounted(() => credentials.countForeign(own), {
    ...options,
    failure: "registration.not_counted",
  });
  for (const [platform, count] of (await counted.read())?.value ?? []) {
    const advice =
      "these were connected with another client id or host than the configured one and get no tokens: set that one, or connect again";
    log.error({ platform, credentials: count, configured: own.get(platform), advice }, "registration.other");
  }
  return {
    async read() {
      return Object.fromEntries((await counted.read())?.value ?? []);
    },
  };
}
