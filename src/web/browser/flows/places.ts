/** So many requests that wait at once. */
export interface PlaceLimits {
  readonly ofFlow: number;
  readonly ofNetwork: number;
  readonly inAll: number;
}

/** Places for requests that wait. */
export interface Places {
  /** Takes one, and gives what gives it back; undefined: there is none left. */
  take(flow: string, network: string): (() => void) | undefined;
}

export function createPlaces({ ofFlow, ofNetwork, inAll }: PlaceLimits): Places {
  const taken = new Map<string, number>();
  const count = (key: string) => taken.get(key) ?? 0;
  const add = (key: string, by: 1 | -1) => {
    const now = count(key) + by;
    if (now === 0) taken.delete(key);
    else taken.set(key, now);
  };
  return {
    take(flow, network) {
      const limits = [
        [`flow ${flow}`, ofFlow],
        [`network ${network}`, ofNetwork],
        ["all", inAll],
      ] as const;
      if (limits.some(([key, most]) => count(key) >= most)) return undefined;
      for (const [key] of limits) add(key, 1);
      return () => {
        for (const [key] of limits) add(key, -1);
      };
    },
  };
}
