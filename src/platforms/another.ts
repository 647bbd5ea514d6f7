import type { ConnectedInstallation } from "../domain/model/connection.ts";
import type { Platform } from "../domain/model/platform.ts";
import type { Setting } from "../settings/setting.ts";
import type { AnyReader } from "../settings/setting-reader.ts";
import type { PlatformModule, Product } from "./module.ts";

/** What one more instance of a kind is called. */
export interface OtherNames {
  /** In the place of the module's, one for each, in its order. The first one's name is the instance's. */
  readonly products: readonly Product[];
  /** What a setting of the module is called for this instance. */
  setting(name: string): string;
}

/**
 * The same kind once more, under names of its own and with settings of its own: its installations are stored, and asked
 * for, apart from those of any other instance.
 * @throws Error if a product is left without a name: a mistake in the list.
 */
export function another<Config, S extends Setting>(
  module: PlatformModule<Config, S>,
  names: OtherNames,
): PlatformModule<Config> {
  if (names.products.length !== module.products.length) {
    throw new Error(`a further ${module.kind} needs names for ${module.products.map(({ name }) => name).join(", ")}`);
  }
  const settingNames = new Map(module.settings.map(({ name }) => [name, names.setting(name)]));
  const productNames = new Map(module.products.map(({ name }, index) => [name, names.products[index]?.name ?? name]));
  const inText = (text: string) => text.replace(/[A-Z][A-Z\d_]+/g, (word) => settingNames.get(word) ?? word);
  return {
    kind: module.kind,
    products: names.products,
    settings: module.settings.map((row) => ({
      ...row,
      name: names.setting(row.name),
      meaning: inText(row.meaning),
      aliases: [],
      ...(row.unset !== undefined && { unset: inText(row.unset) }),
    })),
    needs: module.needs.map((alternatives) => alternatives.map(names.setting)),
    read: (reader: AnyReader) => module.read(underOtherNames(reader, names.setting, inText)),
    hosts: (config) => module.hosts(config),
    narrowing: module.narrowing,
    foreignNames: module.foreignNames ?? [],
    secretShapes: module.secretShapes,
    create: (config, world) => renamed(module.create(config, world), productNames),
  };
}

function underOtherNames(
  reader: AnyReader,
  nameOf: (name: string) => string,
  inText: (text: string) => string,
): AnyReader {
  return {
    text: (name) => reader.text(nameOf(name)),
    defaultOf: (name) => reader.defaultOf(nameOf(name)),
    secret: (name) => reader.secret(nameOf(name)),
    file: (setting, path) => reader.file(inText(setting), path),
    isGiven: (name) => reader.isGiven(nameOf(name)),
    isEmpty: (name) => reader.isEmpty(nameOf(name)),
    problem: (setting, wrong, fix) => reader.problem(inText(setting), inText(wrong), inText(fix)),
    warn: (warning) => reader.warn(inText(warning)),
    finish: () => reader.finish(),
  };
}

function renamed(platform: Platform, names: ReadonlyMap<string, string>): Platform {
  const own = new Map([...names].map(([ofModule, given]) => [given, ofModule]));
  const given = (name: string) => names.get(name) ?? name;
  const ofModule = (name: string) => own.get(name) ?? name;
  const stored = (one: ConnectedInstallation) => ({ ...one, products: one.products.map(given) });
  const { inspect } = platform;
  return {
    ...platform,
    ...(inspect && {
      inspect: (installation, credential) =>
        inspect({ ...installation, products: installation.products.map(ofModule) }, credential),
    }),
    name: given(platform.name),
    products: platform.products.map(given),
    apiBaseUrl: ({ externalOrgId, products }, product) =>
      platform.apiBaseUrl({ externalOrgId, products: products.map(ofModule) }, ofModule(product)),
    async exchange(request) {
      const outcome = await platform.exchange(request);
      if (outcome.kind !== "connected") return outcome;
      const { installations, credentials } = outcome.connection;
      return { kind: "connected", connection: { installations: installations.map(stored), credentials } };
    },
  };
}
