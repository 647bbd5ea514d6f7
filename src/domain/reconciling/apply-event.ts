import type { World } from "../../world.ts";
import { serviceCaller } from "../model/audit-event.ts";
import type { Platform } from "../model/platform.ts";
import type { EventSubject, PlatformEvent } from "../model/platform-event.ts";
import type { NoteEvent } from "../record/noted-events.ts";
import type { AskPlatforms } from "./ask-platforms.ts";
import type { QuestionRepository } from "./question.ts";

/**
 * Obeys what a platform told: what it says has ended or is suspended is handed out by no replica from now on, and the
 * platform is asked whether it is so. Nothing else is believed of it. Safe to repeat, in any order; done once it is
 * durable that the platform is to be asked.
 * @throws ServiceError SERVICE_UNAVAILABLE.
 */
export type ApplyEvent = (event: PlatformEvent, platform: Platform) => Promise<void>;

export function createApplyEvent(parts: {
  readonly questions: Pick<QuestionRepository, "note">;
  readonly asking: Pick<AskPlatforms, "askSoon">;
  readonly note: NoteEvent;
  readonly world: World;
}): ApplyEvent {
  const { questions, asking, note, world } = parts;

  return async ({ event, action, about, news, happenedAt }, platform) => {
    if (news === undefined || isNobodys(about)) return;
    const { name, registration } = platform;
    const noted = await questions.note({ platform: name, registration, about, news, happenedAt });
    for (const { id: installationId, owner, withheld } of noted) {
      world.log.info({ platform: name, installation: installationId, event, action, withheld }, "event.noted");
      if (withheld === undefined) continue;
      const kind = withheld === "installation" ? "installation.suspended" : "grant.rejected";
      const doer = { at: world.now(), caller: serviceCaller, method: "events", count: 1 };
      note({ ...doer, kind, installationId, owner, platform: name, detail: `told_${news.kind}` });
    }
    if (noted.length > 0) asking.askSoon(platform);
  };
}

/** Ids of webhooks name nobody by themselves: no news comes with them. */
function isNobodys({ externalInstallId, externalOrgId }: EventSubject): boolean {
  return externalInstallId === undefined && externalOrgId === undefined;
}
