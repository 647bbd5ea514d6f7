/**
 * What changed so that a reader has to look again: status, identity or credentials of an installation (`platform` is
 * given where what selectors without an id find may have changed), or a credential's token set or status.
 * `granted`: what an installation is granted may have changed, so that what was minted of a credential for less than
 * all of it is old. `history`: there is a new row among the changes that people see. `everything`: very much
 * of it, or changes may have been `missed`.
 */
export type Change =
  | { readonly kind: "installation"; readonly id: string; readonly platform: string | undefined }
  | { readonly kind: "credential"; readonly id: string }
  | { readonly kind: "history" }
  | { readonly kind: "granted"; readonly id: string; readonly installationId: string }
  | { readonly kind: "everything"; readonly missed?: true };

/** Tells of every change that any replica commits. */
export interface ChangeFeed {
  /** Whether it is proven that no change older than two seconds has been missed. */
  isAlive(): boolean;
  /** Told of every change from now on. Returns how to stop. */
  subscribe(listener: (change: Change) => void): () => void;
}
