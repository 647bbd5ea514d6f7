import type { Adopt } from "../domain/model/earlier-row.ts";
import type { Platform } from "../domain/model/platform.ts";
import type { Setting } from "../settings/setting.ts";
import type { SettingReader } from "../settings/setting-reader.ts";
import type { World } from "../world.ts";

/** What callers ask for by its name, and people know by its label. */
export interface Product {
  readonly name: string;
  readonly label: string;
}

export type PlatformWorld = Pick<World, "fetch" | "now">;
/** The same for who also makes what nobody can guess. */
export type ModuleWorld = PlatformWorld & Pick<World, "random">;

/** One kind of platform: all that the rest of the service has to know of it. */
export interface PlatformModule<Config = unknown, S extends Setting = Setting> {
  /** What is spoken there, whatever it is called here: `github-app`. */
  readonly kind: string;
  /** In the order people meet them. The first is the natural one: installations are stored under its name. */
  readonly products: readonly Product[];
  /** Whether a token can be narrowed: then a caller file can say what one may hold at most. */
  readonly narrowing: boolean;
  /** Every setting that it reads. Another module may read the same ones, and then has the same rows. */
  readonly settings: readonly S[];
  /** Those without which it is not configured; where one of several is enough, they are one entry. */
  readonly needs: readonly (readonly S["name"][])[];
  /** Undefined: not configured. What is wrong is the reader's to tell. */
  read(reader: SettingReader<S>): Config | undefined;
  /** The base addresses of all that it calls and sends browsers to. */
  hosts(config: Config): readonly string[];
  /** Names that other programs set and that are nobody's misspelling of a setting. */
  readonly foreignNames?: readonly RegExp[];
  /** What its tokens look like wherever a word may begin, so that none is written by mistake. */
  readonly secretShapes: readonly RegExp[];
  /** Reads rows of earlier services; absent: none of them knew it. */
  readonly adopt?: Adopt;
  /** @throws Error if what was read cannot be used. */
  create(config: Config, world: ModuleWorld): Platform;
}
