import { isDeepStrictEqual } from "node:util";
import type { Adopter } from "../domain/model/earlier-row.ts";
import type { Platform } from "../domain/model/platform.ts";
import { createRedact, type Redact } from "../secret-shapes.ts";
import type { Setting } from "../settings/setting.ts";
import type { AnyReader } from "../settings/setting-reader.ts";
import type { ModuleWorld, PlatformModule, Product } from "./module.ts";

/** What follows from a list of platform modules. */
export interface Registry {
  /** Every product that is known, configured or not, in the order people meet them. */
  readonly products: readonly Product[];
  /** What callers may ask for. */
  readonly productNames: readonly string[];
  /** Those whose tokens can be narrowed. */
  readonly narrowable: readonly string[];
  readonly settings: readonly Setting[];
  /** By product: the settings without which it is not configured, those of which one is enough as one entry. */
  readonly needs: ReadonlyMap<string, readonly (readonly string[])[]>;
  /** Names of other programs that are no misspelled settings. */
  readonly foreignNames: readonly RegExp[];
  /** Knows what the tokens of all of them look like. */
  readonly redact: Redact;
  /** Reads rows of earlier services, by the product that they name. */
  readonly adopters: ReadonlyMap<string, Adopter>;
  /** The platforms that have settings. */
  read(reader: AnyReader): readonly ConfiguredPlatform[];
}

/** One platform with its settings, before it is spoken to. */
export interface ConfiguredPlatform {
  readonly kind: string;
  readonly products: readonly string[];
  /** The names of all its settings. */
  readonly settingNames: readonly string[];
  /**
   * Hosts in the place of the public ones, in lower case, without brackets and without a dot at the end. To be asked once
   * nothing is wrong with what was read: half of the settings may hold no address.
   */
  ownHosts(): readonly string[];
  create(world: ModuleWorld): Platform;
}

/** @throws Error if two modules claim the same product, or mean different things by one setting: a mistake in the list. */
export function createRegistry(modules: readonly PlatformModule[]): Registry {
  const settings = unlike(modules.flatMap((module) => module.settings));
  const products = modules.flatMap((module) => module.products);
  const productNames = products.map(({ name }) => name);
  refuseShared(
    settings.map(({ name }) => name),
    "settings",
  );
  refuseShared(productNames, "products");
  for (const name of productNames) {
    if (!/^[a-z][a-z\d]*(-[a-z\d]+)*$/.test(name))
      throw new Error(`${name} is no name of a product: write it as in github-oauth`);
  }
  const publicHosts = new Set(settings.flatMap((setting) => addressesIn(setting).map(hostOf)));
  return {
    settings,
    needs: new Map(modules.flatMap((module) => namesOf(module).map((name) => [name, module.needs] as const))),
    foreignNames: modules.flatMap((module) => module.foreignNames ?? []),
    products,
    productNames,
    narrowable: modules.filter(({ narrowing }) => narrowing).flatMap(namesOf),
    adopters: new Map(
      modules.flatMap(({ adopt, products: [natural, ...others] }) =>
        adopt === undefined || natural === undefined
          ? []
          : [natural, ...others].map(({ name }) => [name, { platform: natural.name, adopt }] as const),
      ),
    ),
    redact: createRedact(modules.flatMap((module) => module.secretShapes)),
    read: (reader) =>
      modules.flatMap((module) => {
        const config = module.read(reader);
        if (config === undefined) return [];
        return {
          kind: module.kind,
          products: namesOf(module),
          settingNames: module.settings.map(({ name }) => name),
          ownHosts: () =>
            module
              .hosts(config)
              .map(hostOf)
              .filter((host) => !publicHosts.has(host)),
          create: (world: ModuleWorld) => created(module, config, world),
        };
      }),
  };
}

function namesOf({ products }: PlatformModule): readonly string[] {
  return products.map(({ name }) => name);
}

/** What is known of a platform before it is spoken to holds for it. */
function created(module: PlatformModule, config: unknown, world: ModuleWorld): Platform {
  const names = namesOf(module);
  const platform = module.create(config, world);
  const made = `${platform.name} with ${platform.products.join(", ")}`;
  if (platform.name !== names[0] || !isDeepStrictEqual(platform.products, names)) {
    throw new Error(`the module of ${names.join(", ")} makes a platform called ${made}`);
  }
  if (platform.narrowing !== module.narrowing) {
    throw new Error(`the module of ${names.join(", ")} and its platform do not agree on whether tokens are narrowed`);
  }
  return platform;
}

/** Modules that share a setting have the same row, or rows that say the same. */
function unlike(settings: readonly Setting[]): readonly Setting[] {
  return settings.filter((row, index) => settings.findIndex((other) => isDeepStrictEqual(other, row)) === index);
}

/** Where calls go unless a setting says otherwise. */
function addressesIn({ default: value = "" }: Setting): readonly string[] {
  return value.startsWith("https://") ? [value] : [];
}

/** As it is compared: in lower case, without brackets and without a dot at the end. */
export function hostOf(url: string | URL): string {
  return new URL(url).hostname.replace(/^\[(.*)\]$/, "$1").replace(/(.)\.$/, "$1");
}

function refuseShared(names: readonly string[], what: string): void {
  const twice = names.find((name, index) => names.indexOf(name) < index);
  if (twice !== undefined) throw new Error(`two ${what} are called ${twice}`);
}
