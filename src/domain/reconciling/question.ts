import type { Credential } from "../model/credential.ts";
import type { ServedInstallation } from "../model/credential-repository.ts";
import type { Installation } from "../model/installation.ts";
import type { InspectedFacts } from "../model/platform.ts";
import type { EventSubject, News } from "../model/platform-event.ts";
import type { Registration } from "../model/registration.ts";

/**
 * Why a platform is asked about an installation. `ended`, `suspended`, `changed`: it told so. `routine`: it has not been
 * asked for a day.
 */
export type QuestionAbout = "ended" | "suspended" | "changed" | "routine";

/** An open question. Whatever happens meanwhile asks another one: an answer counts for its own alone. */
export interface Question {
  readonly id: string;
  readonly about: QuestionAbout;
  /** How often it was taken up. */
  readonly tries: number;
  /** Whether the platform has contradicted once what it told: it may not know it everywhere yet. */
  readonly contradicted: boolean;
  /** Since when a person's grant is said not to reach it any more. */
  readonly goneSince?: Date | undefined;
}

/** What a platform told, of whoever is meant. */
export interface Told {
  readonly platform: string;
  readonly registration: Registration;
  readonly about: EventSubject;
  readonly news: News;
  readonly happenedAt: Date | undefined;
}

/** What of it was known here; `withheld`: nothing is handed out from now on, of all of it or of some grants. */
export interface Noted extends ServedInstallation {
  readonly withheld: "installation" | "grants" | undefined;
  /** Credentials whose tokens for less than the whole grant are old now. */
  readonly granted: readonly string[];
}

/** One of an installation's credentials. */
export interface AskedCredential {
  readonly credential: Credential;
  readonly natural: boolean;
  /** The platform told that it has ended. */
  readonly withheld: boolean;
}

/** A question that this process asks now. */
export interface Asked {
  readonly installation: Installation;
  readonly question: Question;
  /** The natural one first. */
  readonly credentials: readonly AskedCredential[];
}

/** What an answer comes to. */
export interface Settlement {
  /** `lost`: the grants that were asked with do not reach it any more. `unknown`: its status is left as it is. */
  readonly state: "present" | "suspended" | "lost" | "unknown";
  readonly facts: InspectedFacts | undefined;
  /** Of those that are withheld. */
  readonly alive: readonly string[];
  readonly dead: readonly { readonly id: string; readonly code: string }[];
  /** What is asked next, after so long; undefined: nothing. */
  readonly next: { readonly about: QuestionAbout; readonly delayMs: number } | undefined;
}

/** All @throw ServiceError SERVICE_UNAVAILABLE. Times are the database's. */
export interface QuestionRepository {
  /**
   * Keeps what a platform told as a question to it, and withholds at once what is said to have ended, unless that was
   * before it was connected. What is withheld stays so until the answer. Who is not known changes nothing.
   */
  note(told: Told): Promise<readonly Noted[]>;
  /** Asks what has not been answered for so long, a small share of it. Gives how many. */
  openRoutine(platform: string, registration: Registration, olderThanMs: number): Promise<number>;
  /** The platforms that something is due of. */
  due(): Promise<readonly string[]>;
  /** Takes up what is due: first what is withheld. No other process has it for `leaseMs`. */
  take(platform: string, limit: number, leaseMs: number): Promise<readonly Asked[]>;
  /** Asks the same again after so long. */
  putOff(asked: Asked, delayMs: number, learnt?: Partial<Pick<Question, "contradicted" | "goneSince">>): Promise<void>;
  /** Stores the answer; false if another question is asked by now. */
  settle(asked: Asked, settlement: Settlement): Promise<boolean>;
}
