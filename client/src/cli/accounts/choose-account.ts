import { Failure, usage } from "../failure.ts";
import type { StoredAccount } from "./account.ts";
import { defaultName, labelOf } from "./account-store.ts";

/** What a command line says about which account it means. */
export interface Wanted {
  readonly platform: string;
  readonly name: string | undefined;
  readonly service: string | undefined;
}

/**
 * The one account that is meant: the only one that fits, or of several the one without a name of its own.
 * @throws Failure if there is none, or more than one might be meant.
 */
export function chooseAccount(accounts: readonly StoredAccount[], wanted: Wanted): StoredAccount {
  const { platform, name, service } = wanted;
  const fitting = accounts.filter(
    ({ account }) =>
      account.platform === platform &&
      (name === undefined || account.name === name) &&
      (service === undefined || account.service === service),
  );
  const plain = fitting.filter(({ account }) => account.name === defaultName);
  const [only, another] = fitting.length > 1 && name === undefined ? (plain.length > 0 ? plain : fitting) : fitting;
  if (only === undefined) {
    const what = labelOf({ platform, name: name ?? defaultName });
    const at = service === undefined ? "" : ` at ${service}`;
    throw new Failure(
      "notConnected",
      "NOT_CONNECTED",
      `not signed in to ${what}${at}: oauth-token login --platform ${platform}`,
    );
  }
  if (another === undefined) return only;
  const names = fitting.map(({ account }) => `--service ${account.service} --name ${account.name}`);
  throw usage(`several accounts fit, say which: ${names.join(", or ")}`);
}
