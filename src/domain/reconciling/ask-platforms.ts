import { describeError } from "../../described-error.ts";
import type { World } from "../../world.ts";
import type { Revoker } from "../installations/revoke-installation.ts";
import { type AuditKind, serviceCaller } from "../model/audit-event.ts";
import type { Installation } from "../model/installation.ts";
import type { Platform } from "../model/platform.ts";
import type { Platforms } from "../model/platforms.ts";
import type { NoteEvent } from "../record/noted-events.ts";
import type { Refresher } from "../refreshing/refresher.ts";
import { createAskWith } from "./ask-with.ts";
import { type Answered, judge } from "./judge-answers.ts";
import type { Asked, QuestionRepository, Settlement } from "./question.ts";

/** How long a question is this process's; asked twice it does no harm. */
const leaseMs = 5_000;
const batch = 50;
/** Of one platform at once. */
const concurrency = 8;
/** So many in a row without an answer, and the rest of the platform's waits for the next round. */
const several = 3;
/** Between tries, doubling: below what is promised for undoing what an event withheld, once the platform answers. */
const retryMs = { first: 1_000, most: 5_000, routine: 600_000 };
/** Before a contradiction is believed. */
const contradictedMs = 3_000;
/** Between looks at what a person's grant does not reach any more. */
const goneMs = 6 * 3_600_000;
/** Credentials of one installation that are asked with. */
const maxAskedWith = 20;
/** A round takes nothing up after this long. */
const roundMs = 10_000;
/** How long what was answered is not asked again by itself. */
const routineMs = 24 * 3_600_000;

export interface AskPlatforms {
  /** Asks what is due, on whichever replica it came to be. Never twice at once for one platform. */
  askDue(): Promise<void>;
  /** The same for one platform, without waiting for it. */
  askSoon(platform: Platform): void;
  /** Opens the questions that no event asks: a small share of all, once a day each. */
  openRoutine(): Promise<void>;
  /** Resolves when nothing is being asked. */
  idle(): Promise<void>;
}

export function createAskPlatforms(parts: {
  readonly questions: QuestionRepository;
  readonly platforms: Platforms;
  readonly refresher: Refresher;
  readonly revoker: Pick<Revoker, "endAsked">;
  readonly note: NoteEvent;
  readonly world: World;
}): AskPlatforms {
  const { questions, platforms, refresher, revoker, note, world } = parts;
  const askWith = createAskWith({ refresher, world });
  const rounds = new Map<string, { running: Promise<void>; again: boolean }>();
  const limitedUntil = new Map<string, number>();
  /** By platform the organizations that it would not answer about yet, since it last answered. */
  const limitedSince = new Map<string, Set<string>>();

  function askRound(platform: Platform): Promise<void> {
    const { name } = platform;
    const present = rounds.get(name);
    if (present !== undefined) {
      present.again = true;
      return present.running;
    }
    const round = { running: Promise.resolve(), again: true };
    const work = async () => {
      while (round.again) {
        round.again = false;
        await askAll(platform);
      }
    };
    rounds.set(name, round);
    round.running = work().finally(() => rounds.delete(name));
    return round.running;
  }

  async function askAll(platform: Platform): Promise<void> {
    const stopAt = performance.now() + roundMs;
    let troubles = 0;
    const mayGoOn = () =>
      troubles < several &&
      performance.now() < stopAt &&
      (limitedUntil.get(platform.name) ?? 0) <= world.now().getTime();
    while (mayGoOn()) {
      const taken = await questions.take(platform.name, batch, leaseMs);
      const waiting = [...taken];
      const work = async () => {
        for (let asked = waiting.shift(); asked !== undefined; asked = waiting.shift()) {
          if (!mayGoOn()) await questions.putOff(asked, retryMs.first);
          else troubles = (await askAlone(platform, asked)) ? 0 : troubles + 1;
        }
      };
      await Promise.all(Array.from({ length: concurrency }, work));
      if (taken.length < batch) return;
    }
  }

  /** Whether the platform answered. What goes wrong with one is no reason to leave the others. */
  async function askAlone(platform: Platform, asked: Asked): Promise<boolean> {
    try {
      return await ask(platform, asked);
    } catch (error) {
      const { id: installation } = asked.installation;
      world.log.warn({ platform: platform.name, installation, error: describeError(error) }, "question.failed");
      return false;
    }
  }

  async function ask(platform: Platform, asked: Asked): Promise<boolean> {
    const { installation, question } = asked;
    const answers: Answered[] = [];
    for (const one of askedWith(asked)) {
      const answer = await askWith(platform, asked, one);
      if (answer !== undefined) answers.push({ asked: one, answer });
    }
    const judgement = judge(asked, answers, world.now());
    const facts = { platform: platform.name, installation: installation.id, about: question.about };
    if (judgement.kind !== "unanswered") limitedSince.delete(platform.name);
    switch (judgement.kind) {
      case "unanswered": {
        const { retryAfterMs } = judgement;
        if (retryAfterMs !== undefined && retryAfterMs > retryMs.most) noteLimit(platform, installation, retryAfterMs);
        await questions.putOff(asked, Math.max(waitMs(asked), retryAfterMs ?? 0));
        world.log.info({ ...facts, tries: question.tries }, "question.unanswered");
        return false;
      }
      case "contradicted":
        await questions.putOff(asked, contradictedMs, { contradicted: true });
        return true;
      case "gone":
        await questions.putOff(asked, goneMs, { goneSince: judgement.since });
        return true;
      case "ended": {
        const reason = `${platform.name} says: ${judgement.code}`;
        const ended = await revoker.endAsked(installation.id, question.id, reason, doer);
        if (ended !== undefined) world.log.info({ ...facts, code: judgement.code }, "installation.ended");
        return true;
      }
      case "settled":
        if (await questions.settle(asked, judgement.settlement)) {
          noteSettled(asked, judgement.settlement);
          world.log.info({ ...facts, state: judgement.settlement.state }, "question.answered");
          await renew(asked, judgement.settlement);
        }
        return true;
    }
  }

  /** Platforms count by organization, too: nobody has all others wait who is asked about too often. */
  function noteLimit({ name }: Platform, { externalOrgId }: Installation, retryAfterMs: number): void {
    const limited = (limitedSince.get(name) ?? new Set()).add(externalOrgId);
    limitedSince.set(name, limited);
    if (limited.size >= several) limitedUntil.set(name, world.now().getTime() + retryAfterMs);
  }

  /** A token that was minted before the grant changed does not have what was added to it. */
  async function renew({ installation, question, credentials }: Asked, { state, facts }: Settlement): Promise<void> {
    const natural = credentials.find((one) => one.natural)?.credential;
    if (state !== "present" || natural?.kind !== "app_installation" || natural.issuedAt === undefined) return;
    const changed = facts?.permissions !== undefined && !isSame(facts.permissions, installation.permissions);
    if (question.about === "changed" || changed) await refresher.refresh(natural);
  }

  function noteSettled({ installation, question, credentials }: Asked, { state, alive, dead }: Settlement): void {
    const wasWithheld = question.about === "ended" || question.about === "suspended";
    const each = (kind: AuditKind, detail: string) => note({ ...rowOf(installation), at: world.now(), kind, detail });
    if (state === "suspended" && installation.status === "active") each("installation.suspended", question.about);
    if (state === "present" && installation.status === "suspended") {
      each("installation.resumed", wasWithheld ? "contradicted" : question.about);
    }
    if (state === "lost") each("grant.rejected", "not_reached");
    for (const { id, code } of dead) {
      if (credentials.some(({ credential }) => credential.id === id && credential.status !== "dead")) {
        each("grant.rejected", code);
      }
    }
    if (alive.length > 0) each("installation.resumed", "contradicted");
  }

  return {
    async askDue() {
      const due = new Set(await questions.due());
      await Promise.all(platforms.all.filter(({ name }) => due.has(name)).map(askRound));
    },
    askSoon(platform) {
      askRound(platform).catch((error: unknown) => {
        world.log.warn({ platform: platform.name, error: describeError(error) }, "question.failed");
      });
    },
    async openRoutine() {
      for (const { name, registration, inspect } of platforms.all) {
        if (inspect !== undefined) await questions.openRoutine(name, registration, routineMs);
      }
    },
    async idle() {
      await Promise.allSettled([...rounds.values()].map(({ running }) => running));
    },
  };
}

const doer = { caller: serviceCaller, method: "events" };

function rowOf({ id, owner, platform }: Installation) {
  return { ...doer, count: 1, installationId: id, owner, platform };
}

/** By itself only the natural one is asked with; an event may mean any. */
function askedWith({ question, credentials }: Asked): Asked["credentials"] {
  if (question.about === "routine") return credentials.filter(({ natural }) => natural);
  return credentials.slice(0, maxAskedWith);
}

function waitMs({ question: { about, tries } }: Asked): number {
  if (about === "routine") return retryMs.routine;
  return Math.min(retryMs.first * 2 ** Math.max(tries - 1, 0), retryMs.most);
}

function isSame(a: Readonly<Record<string, string>>, b: Readonly<Record<string, string>>): boolean {
  const names = Object.keys(a);
  return names.length === Object.keys(b).length && names.every((name) => a[name] === b[name]);
}
