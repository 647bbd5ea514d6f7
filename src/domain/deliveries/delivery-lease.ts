import type { TakenDelivery } from "./delivery-repository.ts";

/** For so long what a process took up is left to it: with how often others look, less than 15 s. */
export const leaseMs = 11_000;
/** A delivery, and until when it may be begun with. */
export interface Leased {
  readonly delivery: TakenDelivery;
  /** By this process's own count of time. */
  readonly untilMs: number;
}

/** `takesMs`: how long it may take once it was begun. */
export function leasedFrom(takenMs: number, delivery: TakenDelivery, takesMs: number): Leased {
  return { delivery, untilMs: takenMs + leaseMs - takesMs };
}
