import { createEndTokens } from "../../../src/domain/connecting/end-tokens.ts";
import { createInstallUndoer } from "../../../src/domain/connecting/undo-install.ts";
import { createRevoker } from "../../../src/domain/installations/revoke-installation.ts";
import type { AuditEvent } from "../../../src/domain/model/audit-event.ts";
import type { CredentialSecrets, InspectedFacts, Inspection } from "../../../src/domain/model/platform.ts";
import type { EventSubject, News } from "../../../src/domain/model/platform-event.ts";
import type { ApplyEvent } from "../../../src/domain/reconciling/apply-event.ts";
import { createApplyEvent } from "../../../src/domain/reconciling/apply-event.ts";
import { type AskPlatforms, createAskPlatforms } from "../../../src/domain/reconciling/ask-platforms.ts";
import {
  onlyPlatforms,
  type ScriptedOptions,
  type ScriptedPlatform,
  scriptedPlatform,
} from "../../support/scripted-platform.ts";
import { type Domain, openDesk, type TokenDesk } from "../open-domain.ts";

export const noFacts: InspectedFacts = {
  externalOrgName: undefined,
  scopes: undefined,
  permissions: undefined,
  metadata: undefined,
};
export const present: Inspection = { kind: "present", facts: noFacts };
export const gone: Inspection = { kind: "gone", code: "installation_removed" };
export const grantDead: Inspection = { kind: "grant_dead", code: "token_revoked" };
export const down: Inspection = {
  kind: "unavailable",
  retryAfterMs: undefined,
  mayHaveBeenProcessed: true,
  cause: "http_503",
};

/** A platform that tells things, and is asked about them when the test says so. */
export interface Events {
  readonly platform: ScriptedPlatform;
  readonly desk: TokenDesk;
  readonly asking: AskPlatforms;
  /** What was put on record. */
  readonly noted: AuditEvent[];
  /** Decides what it says of an installation; the default is that it is there. */
  inspected: (credential: CredentialSecrets, orgId: string) => Promise<Inspection> | Inspection;
  /** How often it was asked. */
  asked: number;
  /** Without asking it anything yet. */
  tell(news: News, about: EventSubject, happenedAt?: Date): Promise<void>;
  /** Asks everything that is open, whenever it is due. */
  ask(): Promise<void>;
}

export function openEvents(domain: Domain, options: ScriptedOptions = {}): Events {
  const { storage, world, sql } = domain;
  const noted: AuditEvent[] = [];
  const note = (event: AuditEvent) => void noted.push(event);
  const platform: ScriptedPlatform = Object.assign(scriptedPlatform(options), {
    inspect: async ({ externalOrgId }: { readonly externalOrgId: string }, credential: CredentialSecrets) => {
      events.asked += 1;
      return events.inspected(credential, externalOrgId);
    },
  });
  const platforms = onlyPlatforms(platform);
  const desk = openDesk(domain, [platform]);
  const { credentials, installations, pendingInstalls, questions } = storage;
  const endTokens = createEndTokens({ credentials, pendingInstalls, world });
  const undoer = createInstallUndoer({ pendingInstalls, platforms, endTokens, world });
  const webhooks = { prepare: async () => undefined, remove: async () => undefined };
  const revoker = createRevoker({ installations, pendingInstalls, undoer, platforms, webhooks, world });
  const asking = createAskPlatforms({ questions, platforms, refresher: desk.refresher, revoker, note, world });
  const applyEvent: ApplyEvent = createApplyEvent({ questions, asking: { askSoon: () => undefined }, note, world });
  let serial = 0;
  const events: Events = {
    platform,
    desk,
    asking,
    noted,
    inspected: () => present,
    asked: 0,
    tell: (news, about, happenedAt) =>
      applyEvent(
        { deliveryId: String(++serial), event: "scripted", action: undefined, about, news, happenedAt },
        platform,
      ),
    async ask() {
      await sql`update installations set ask_after = clock_timestamp() where ask_after is not null`;
      await asking.askDue();
    },
  };
  return events;
}
