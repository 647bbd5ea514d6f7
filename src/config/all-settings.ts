import { registry } from "../platforms/registry.ts";
import { withPlatforms } from "./settings.ts";

/** Every setting there is, in the order people meet them. */
export const allSettings = withPlatforms(registry.settings);
