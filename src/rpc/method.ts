import type { Call } from "../domain/model/call.ts";
import type { PageTokens } from "./page-tokens.ts";
import type { ResumeTokens } from "./resume-tokens.ts";
import type { RequestOf, ResponseOf, RpcName, StreamName, UnaryName } from "./rpc-names.ts";
import type { Found } from "./rule-checks.ts";

/**
 * Answers requests that have passed the rules, at once where nothing has to be waited for. Refusals are thrown. `in out`,
 * since TypeScript alone takes the answer of one RPC for that of another.
 */
export type UnaryProcedure<in out Name extends UnaryName> = (
  request: RequestOf<Name>,
  call: Call,
) => ResponseOf<Name> | Promise<ResponseOf<Name>>;

/** Answers with messages that are made as they are taken, until `signal`. Refusals are thrown, at once or later. */
export type StreamProcedure<in out Name extends StreamName> = (
  request: RequestOf<Name>,
  call: Call,
  signal: AbortSignal,
) => AsyncIterable<ResponseOf<Name>>;

export type Procedure<Name extends RpcName> = Name extends StreamName
  ? StreamProcedure<Name>
  : Name extends UnaryName
    ? UnaryProcedure<Name>
    : never;

/** One RPC, and the use case behind it. */
export interface Method<Name extends RpcName, UseCase> {
  /**
   * What the contract demands of a request: the buf.validate options of the proto in plain code, since interpreting
   * them costs a third of a call. Both say the same, and a test holds them to it.
   */
  readonly rules: (request: RequestOf<Name>, found: Found) => void;
  /** Translates request → use case → response, and nothing else. Called once for a service. */
  readonly run: (useCase: UseCase, pageTokens: PageTokens, resumeTokens: ResumeTokens) => Procedure<Name>;
}
