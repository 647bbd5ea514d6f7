/** One environment variable that an operator may set. */
export interface Setting {
  readonly name: string;
  /** The value that counts while it is unset. It stands here alone: who reads the setting falls back to this. */
  readonly default?: string;
  /** For people: what counts while it is unset, where that follows from something else. */
  readonly unset?: string;
  readonly meaning: string;
  /** Never shown, and readable from the file that `<name>_FILE` names. */
  readonly secret?: true;
  /** Other names, mostly of earlier services. */
  readonly aliases?: readonly string[];
}

/** Of these settings, those whose values may be repeated in a message. */
export type PlainName<S extends Setting> = S extends { readonly secret: true } ? never : S["name"];
/** Of these settings, those that may come from a file. */
export type SecretName<S extends Setting> = S extends { readonly secret: true } ? S["name"] : never;
/** Of these settings, those with a value of their own while unset. */
export type DefaultedName<S extends Setting> = PlainName<Extract<S, { readonly default: string }>>;

/** The settings that may come from a file. */
export function secretNames(settings: readonly Setting[]): readonly string[] {
  return settings.filter((setting) => setting.secret === true).map((setting) => setting.name);
}

/** Every name that is listened to: settings, their aliases, and the files that secrets may come from. */
export function knownNames(settings: readonly Setting[]): ReadonlySet<string> {
  return new Set(settings.flatMap(namesOf));
}

/** The same of one setting, its own name first. */
export function namesOf({ name, aliases = [], secret }: Setting): readonly string[] {
  return [name, ...aliases, ...(secret === true ? [`${name}_FILE`] : [])];
}
