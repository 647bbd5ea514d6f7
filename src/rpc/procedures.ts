import type { Method, Procedure, StreamProcedure, UnaryProcedure } from "./method.ts";
import { methods, type UseCases } from "./methods.ts";
import { createPageTokens, type PageSealer } from "./page-tokens.ts";
import { createResumeTokens } from "./resume-tokens.ts";
import { ofEveryRpc, type RpcName, type StreamName, type UnaryName } from "./rpc-names.ts";

/** The RPCs, behind every door. */
export type Procedures = UnaryProcedures & StreamProcedures;
export type UnaryProcedures = { readonly [Name in UnaryName]: UnaryProcedure<Name> };
export type StreamProcedures = { readonly [Name in StreamName]: StreamProcedure<Name> };

export function createProcedures(parts: { readonly useCases: UseCases; readonly sealer: PageSealer }): Procedures {
  const { useCases, sealer } = parts;
  const pageTokens = createPageTokens(sealer);
  const resumeTokens = createResumeTokens(sealer);
  const all: { readonly [Name in RpcName]: Method<Name, UseCases[Name]> } = methods;
  type Table = { readonly [Name in RpcName]: Procedure<Name> };
  return ofEveryRpc<Table>((name) => all[name].run(useCases[name], pageTokens, resumeTokens) as Table[typeof name]);
}
