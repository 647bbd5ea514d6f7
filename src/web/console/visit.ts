import type { Caller } from "../../domain/access/caller.ts";
import type { ListedConcern } from "../../domain/health/concern.ts";
import type { ConcernFilter } from "../../domain/health/concern-repository.ts";
import type { JsonAnswer, JsonCall, JsonCalls } from "../../rpc/json/json-calls.ts";
import type { Secret } from "../../secret.ts";
import type { PathParameters } from "../handler.ts";
import type { Html } from "../html.ts";

/** The RPCs that the console asks: it shows and does nothing by another way. */
export type ConsoleCalls = Pick<
  JsonCalls,
  "listInstallations" | "getInstallation" | "listAuditEvents" | "createInstallLink" | "revokeInstallation"
>;

/** A request of somebody who may be here, whose form, if it is one, came from a page of ours. */
export interface Visit {
  /** By the rules in force at this request. */
  readonly caller: Caller;
  readonly path: PathParameters;
  readonly query: URLSearchParams;
  /** By what name the console was reached, as the browser says it. */
  readonly host: string | undefined;
  /** For every form of the page: `formOf` writes it. */
  readonly formToken: Secret;
  readonly now: Date;
  /** What needs a person, of what the caller may list; for pages that asked for the list, or one of it, before. */
  concerns(filter: ConcernFilter): Promise<readonly ListedConcern[]>;
  /** Asks an RPC as the caller, with its rules, rates and record. */
  ask(name: keyof ConsoleCalls, request: Parameters<JsonCall>[0]): Promise<JsonAnswer>;
}

/** What a visit is answered with. */
export type Shown =
  | {
      readonly kind: "page";
      /** 200 by default. */
      readonly status?: number;
      readonly title: string;
      /** What stands below the heading. */
      readonly body: Html;
    }
  /** To a path of the console, after a form. */
  | { readonly kind: "redirect"; readonly to: string };

export type ShowPage = (visit: Visit) => Shown | Promise<Shown>;
/** Does what a form asks for. */
export type TakeForm = (visit: Visit, fields: URLSearchParams) => Shown | Promise<Shown>;
