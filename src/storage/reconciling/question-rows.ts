import { sql } from "drizzle-orm";
import type { Question } from "../../domain/reconciling/question.ts";
import { installations, type StoredQuestion } from "../schema.ts";

/** Whether this is what is asked about the row. */
export function isAsked(questionId: string) {
  return sql`${installations.question} ->> 'id' = ${questionId}`;
}

export function toQuestion({ goneSince, ...question }: StoredQuestion): Question {
  return { ...question, goneSince: goneSince === undefined ? undefined : new Date(goneSince) };
}

export function toStored({ goneSince, ...question }: Question): StoredQuestion {
  return { ...question, ...(goneSince && { goneSince: goneSince.toISOString() }) };
}
