/** Whom a grant was given to: a client and the host of its tokens, `{client id}@{address}`. Holds no secret. */
export type Registration = string;

export function registrationAt(clientId: string, host: string): Registration {
  return `${clientId}@${host}`;
}

/** Who asks, and where: a platform as it is configured. */
export interface Registered {
  readonly registration: Registration;
}

/** Whether a grant is known to have been given to another client, or by another host, than the configured one. */
export function isForeign(known: Registration | undefined, { registration }: Registered): boolean {
  return known !== undefined && known !== registration;
}

/** Whether it came from another host, where its tokens are to be used and nowhere else. */
export function isOfOtherHost(known: Registration | undefined, platform: Registered): boolean {
  return isForeign(known, platform) && hostOf(known ?? "") !== hostOf(platform.registration);
}

function hostOf(registration: Registration): string {
  return registration.slice(registration.lastIndexOf("@") + 1);
}
