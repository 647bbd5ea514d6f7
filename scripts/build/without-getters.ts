import { createRequire } from "node:module";
import type { Plugin } from "rolldown";

/**
 * Importing a module of Node's reads all of its properties, and some load half of Node when they are read: of `http`
 * the WebSocket, which nobody here uses. What the bundle imports of it instead has the plain ones.
 */
export function withoutGetters(name: "http"): Plugin {
  const id = `\0${name}`;
  return {
    name: "without getters",
    resolveId: (source, _importer, { kind }) =>
      kind !== "require-call" && (source === name || source === `node:${name}`)
        ? { id, moduleSideEffects: false }
        : null,
    load(wanted) {
      if (wanted !== id) return null;
      const properties = Object.entries(Object.getOwnPropertyDescriptors(createRequire(import.meta.url)(name)));
      const names = properties.filter(([, { get }]) => get === undefined).map(([property]) => property);
      return `const found = process.getBuiltinModule("${name}");
        export default found;
        export const { ${names.join(", ")} } = found;`;
    },
  };
}
