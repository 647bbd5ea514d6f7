import { and, eq } from "drizzle-orm";
import type { QuestionRepository } from "../../domain/reconciling/question.ts";
import { createCountLive } from "../counting/live-installations.ts";
import type { Database } from "../database.ts";
import { inMs } from "../database-clock.ts";
import { installations } from "../schema.ts";
import type { Sealer } from "../seal/sealer.ts";
import { noteNews } from "./note-news.ts";
import { openRoutine } from "./open-routine.ts";
import { isAsked, toStored } from "./question-rows.ts";
import { settleQuestion } from "./settle-question.ts";
import { platformsDue, takeQuestions } from "./take-questions.ts";

export function createQuestionRepository(tools: {
  readonly database: Database;
  readonly sealer: Sealer;
  readonly now: () => Date;
  readonly newId: () => string;
}): QuestionRepository {
  const { database, sealer, now, newId } = tools;
  const countLive = createCountLive(database);
  return {
    note: (told) => database.transaction((tx) => noteNews(tx, told, { now: now(), newId })),
    async openRoutine(platform, registration, olderThanMs) {
      const live = await countLive(platform);
      return openRoutine(database, { platform, registration, olderThanMs, live }, newId);
    },
    due: () => database.read(platformsDue),
    take: (platform, limit, leaseMs) =>
      database.transaction((tx) => takeQuestions(tx, { platform, limit, leaseMs }, sealer)),
    async putOff({ installation, question }, delayMs, learnt = {}) {
      await database.write((db) =>
        db
          .update(installations)
          .set({ askAfter: inMs(delayMs), question: toStored({ ...question, ...learnt }) })
          .where(and(eq(installations.id, installation.id), isAsked(question.id))),
      );
    },
    settle: (asked, settlement) =>
      settleQuestion((work) => database.transaction(work), asked, settlement, { now: now(), newId }),
  };
}
