import { registerHooks } from "node:module";

/**
 * Loaded before anything else (`node --import`): saves a third of the work that loading the service takes. For each of
 * drizzle's 400 files Node reads the format from the package's own description, and parses all of its 130 kB again.
 */
registerHooks({
  resolve(specifier, context, next) {
    const { parentURL } = context;
    if (!specifier.startsWith(".") || parentURL?.includes("/node_modules/drizzle-orm/") !== true) {
      return next(specifier, context);
    }
    const { href } = new URL(specifier, parentURL);
    return { url: href, format: href.endsWith(".cjs") ? "commonjs" : "module", shortCircuit: true };
  },
});
