import type { Method, Procedure } from "./method.ts";
import { methods, type UseCases } from "./methods.ts";
import { createPageTokens, type PageSealer } from "./page-tokens.ts";
import { ofEveryRpc, type RpcName } from "./rpc-names.ts";

/** The RPCs, behind every door. */
export type Procedures = { readonly [Name in RpcName]: Procedure<Name> };

export function createProcedures(parts: { readonly useCases: UseCases; readonly sealer: PageSealer }): Procedures {
  const { useCases } = parts;
  const pageTokens = createPageTokens(parts.sealer);
  const all: { readonly [Name in RpcName]: Method<Name, UseCases[Name]> } = methods;
  return ofEveryRpc<Procedures>(
    (name) => all[name].run(useCases[name], pageTokens) satisfies Procedure<typeof name> as Procedures[typeof name],
  );
}
